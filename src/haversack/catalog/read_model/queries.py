"""Reads of the whole catalog in few statements, and of what one player has used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    any_,
    bindparam,
    cast,
    column,
    exists,
    extract,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN

from haversack.catalog.items.stored_forms import limits_of, pre_order_of
from haversack.catalog.read_model.records import (
    Entry,
    Offer,
    PackedUses,
    PlayerUses,
    PointReward,
    PriceShape,
    Standing,
    Stocks,
    Window,
)
from haversack.catalog.records import ContentEntry, ItemKind
from haversack.catalog.tables import item_group_members as members
from haversack.catalog.tables import items, key_codes, pre_order_limits, regions, value_point_rewards
from haversack.database.engine import Session
from haversack.limits.records import Uses
from haversack.limits.tables import item_limit_resets, item_stocks, user_item_uses
from haversack.login.tables import player_attributes as attributes
from haversack.promotions.tables import promotion_totals, promotion_uses

_project = bindparam("project", type_=Integer)
_of_project = (items.c.project_id == _project, items.c.deleted_at.is_(null()))

# PostgreSQL changes a row's xmin whenever it changes the row, whoever does it: comparing it finds the changed items
# of a large catalog without reading them.
_row_mark = cast(cast(literal_column("items.xmin"), Text), BigInteger)
LIST_ROW_MARKS = select(func.array_agg(items.c.item_id).label("ids"), func.array_agg(_row_mark).label("marks")).where(
    *_of_project
)
# What only wire forms need stays one piece of JSON until one is made.
DOCUMENT = (
    "name",
    "description",
    "long_description",
    "image_url",
    "media_list",
    "attributes",
    "custom_attributes",
    "prices",
    "virtual_prices",
    "periods",
    "details",
)
_entries = select(
    items.c.item_id,
    items.c.sku,
    items.c.kind,
    items.c.parent_item_id,
    items.c.is_free,
    items.c.is_enabled,
    items.c.is_show_in_store,
    items.c.sort_order,
    items.c.region_ids,
    items.c.prices,
    items.c.virtual_prices,
    items.c.periods,
    items.c.limits,
    items.c.pre_order,
    items.c.details["content"].label("content"),
    items.c.created_at,
    func.convert_to(cast(func.json_build_array(*(items.c[name] for name in DOCUMENT)), Text), "UTF8").label("document"),
    _row_mark.label("row_mark"),
).where(*_of_project)
LIST_ENTRIES = _entries.where(items.c.item_id == any_(bindparam("items", type_=ARRAY(Integer))))
LIST_MEMBERS = (
    select(
        members.c.group_id,
        func.array_agg(members.c.item_id).label("items"),
        func.array_agg(members.c.position).label("positions"),
    )
    .where(members.c.project_id == _project)
    .group_by(members.c.group_id)
)
LIST_POINT_REWARDS = (
    select(value_point_rewards.c.item_id, value_point_rewards.c.value_point_id, value_point_rewards.c.amount)
    .where(value_point_rewards.c.project_id == _project)
    .order_by(value_point_rewards.c.item_id, value_point_rewards.c.value_point_id)
)
LIST_UNITS = select(item_stocks.c.item_id, item_stocks.c.total, item_stocks.c.available).where(
    item_stocks.c.project_id == _project
)
_is_key = (items.c.project_id == _project, items.c.kind == ItemKind.GAME_KEY.value)
_free = (
    key_codes.c.project_id == items.c.project_id,
    key_codes.c.item_id == items.c.item_id,
    # Written out, because PostgreSQL would not use the index of free codes for a parameter.
    key_codes.c.state == literal_column("'available'"),
)
# Whether a pool has a free code is asked of the index for each pool: counting a million codes takes a second.
LIST_POOLS = union_all(
    select(items.c.item_id, cast(null(), Integer).label("region_id")).where(
        *_is_key, exists().where(*_free, key_codes.c.region_id.is_(null()))
    ),
    select(items.c.item_id, regions.c.region_id)
    .join(regions, regions.c.project_id == items.c.project_id)
    .where(*_is_key, exists().where(*_free, key_codes.c.region_id == regions.c.region_id)),
)
LIST_PRE_ORDERS = select(pre_order_limits.c.item_id, pre_order_limits.c.available).where(
    pre_order_limits.c.project_id == _project, pre_order_limits.c.is_enabled
)


def _microseconds(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(extract("epoch", moment) * 1_000_000, BigInteger)


def _packed(number: Any, used: Any, window_start: Any, reset_at: Any) -> ColumnElement[str]:
    """Uses of many things as one text; `_unpacked` takes it apart."""
    entry = func.concat_ws(",", number, used, _microseconds(window_start), _microseconds(reset_at))
    return func.string_agg(entry, aggregate_order_by(literal_column("';'"), number))


_resets = (item_limit_resets.c.project_id == user_item_uses.c.project_id) & (
    item_limit_resets.c.item_id == user_item_uses.c.item_id
)
_packed_items = _packed(
    user_item_uses.c.item_id, user_item_uses.c.used, user_item_uses.c.window_start, item_limit_resets.c.reset_at
)
# One row for each player, of which an unchanged one is known by its text (`unpacked_uses` takes it apart).
LIST_USES = (
    select(user_item_uses.c.player_id, _packed_items.label("uses"))
    .outerjoin(item_limit_resets, _resets)
    .where(
        user_item_uses.c.project_id == _project,
        user_item_uses.c.player_id == any_(bindparam("players", type_=ARRAY(UUID_COLUMN))),
    )
    .group_by(user_item_uses.c.player_id)
)


def uses_of(player: ColumnElement[UUID]) -> ColumnElement[str]:
    """A player's uses of items in one text, as LIST_USES has them; "" where there are none."""
    used_items = (
        select(_packed_items)
        .select_from(user_item_uses.outerjoin(item_limit_resets, _resets))
        .where(user_item_uses.c.project_id == _project, user_item_uses.c.player_id == player)
    )
    return func.coalesce(used_items.scalar_subquery(), "")


def standing_of(player: ColumnElement[UUID]) -> ColumnElement[str]:
    """All that is known of a player in one text: uses of items, uses of promotions, attributes (`unpacked_standing`).

    Of several attributes with one name the last counts, as `personalization.attributes` has it.
    """
    totals_of = (promotion_totals.c.project_id == promotion_uses.c.project_id) & (
        promotion_totals.c.promotion_id == promotion_uses.c.promotion_id
    )
    used_promotions = (
        select(
            _packed(
                promotion_uses.c.promotion_id,
                promotion_uses.c.used,
                promotion_uses.c.window_start,
                promotion_totals.c.reset_at,
            )
        )
        .select_from(promotion_uses.outerjoin(promotion_totals, totals_of))
        .where(promotion_uses.c.project_id == _project, promotion_uses.c.player_id == player)
    )
    ordered = aggregate_order_by(attributes.c.value, attributes.c.attr_type, attributes.c.project_id)
    named = select(cast(func.json_object_agg(attributes.c.key, ordered), Text)).where(
        attributes.c.login_project_id == bindparam("login", type_=UUID_COLUMN(as_uuid=True)),
        attributes.c.player_id == player,
        attributes.c.project_id.in_((literal_column("0"), _project)),
    )
    others = (func.coalesce(each.scalar_subquery(), "") for each in (used_promotions, named))
    return func.concat_ws("|", uses_of(player), *others)


_players = (
    func.unnest(bindparam("players", type_=ARRAY(UUID_COLUMN(as_uuid=True))))
    .table_valued(column("player_id", UUID_COLUMN(as_uuid=True)), name="asked")
    .render_derived()
)
LIST_STANDINGS = select(_players.c.player_id, standing_of(_players.c.player_id).label("standing"))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Members:
    """The items of a group, and the places that were set by hand (None: by the item's own order)."""

    items: tuple[int, ...]
    positions: tuple[int | None, ...]


class EntryReader:
    """Makes entries of rows. What many items share is held once."""

    def __init__(self) -> None:
        self._shared: dict[Any, Any] = {}

    def entry(self, row: asyncpg.Record) -> Entry:
        """The entry of a row."""
        created = (row["created_at"] - _EPOCH) // _MICROSECOND
        return Entry(
            item_id=row["item_id"],
            sku=row["sku"],
            kind=ItemKind(row["kind"]),
            parent_id=row["parent_item_id"],
            rank=(row["sort_order"], -created, -row["item_id"]),
            is_free=row["is_free"],
            is_enabled=row["is_enabled"],
            is_shown=row["is_show_in_store"],
            region_ids=self._share(tuple(row["region_ids"])),
            windows=self._share(tuple(_window(stored) for stored in row["periods"])),
            limits=self._share(limits_of(row["limits"])),
            pre_order=pre_order_of(row["pre_order"]),
            shape=() if row["is_free"] else self._share(_shape(row["prices"])),
            currencies=self._share(tuple(stored["sku"] for stored in row["virtual_prices"])),
            content=tuple(ContentEntry(form["item_id"], form["quantity"]) for form in row["content"] or ()),
            document=row["document"],
            row_mark=row["row_mark"],
        )

    def _share(self, value: Any) -> Any:
        return self._shared.setdefault(value, value)


def _window(stored: Mapping[str, str | None]) -> Window:
    start, end = stored["date_from"], stored["date_until"]
    return Window(
        None if start is None else datetime.fromisoformat(start), None if end is None else datetime.fromisoformat(end)
    )


def _shape(stored: Sequence[Mapping[str, Any]]) -> PriceShape:
    return tuple(
        Offer(price["country_iso"] or "", price["currency"], price["is_default"])
        for price in stored
        if price["is_enabled"]
    )


async def list_row_marks(db: Session, project_id: int) -> dict[int, int]:
    """The mark of each item's row, by item id."""
    row = await db.fetch_one(LIST_ROW_MARKS, project=project_id)
    assert row is not None, "an aggregate has one row"
    return dict(zip(row["ids"] or (), row["marks"] or (), strict=True))


async def list_entry_rows(db: Session, project_id: int, item_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Rows for `EntryReader`, of some items."""
    return await db.fetch_all(LIST_ENTRIES, project=project_id, items=list(item_ids))


async def list_members(db: Session, project_id: int) -> dict[int, Members]:
    """Who is in each group, by group id."""
    rows = await db.fetch_all(LIST_MEMBERS, project=project_id)
    return {row["group_id"]: Members(tuple(row["items"]), tuple(row["positions"])) for row in rows}


async def list_point_rewards(db: Session, project_id: int) -> dict[int, tuple[PointReward, ...]]:
    """The value points that come with items, by item id."""
    found: dict[int, list[PointReward]] = {}
    for item_id, value_point_id, amount in await db.fetch_all(LIST_POINT_REWARDS, project=project_id):
        found.setdefault(item_id, []).append(PointReward(value_point_id, amount))
    return {item_id: tuple(rewards) for item_id, rewards in found.items()}


async def list_stocks(db: Session, project_id: int) -> Stocks:
    """What is left for everybody."""
    units = await db.fetch_all(LIST_UNITS, project=project_id)
    pools: dict[int, set[int | None]] = {}
    for row in await db.fetch_all(LIST_POOLS, project=project_id):
        pools.setdefault(row["item_id"], set()).add(row["region_id"])
    pre_orders = await db.fetch_all(LIST_PRE_ORDERS, project=project_id)
    return Stocks(
        units={row["item_id"]: (row["total"], row["available"]) for row in units},
        codes={item_id: frozenset(found) for item_id, found in pools.items()},
        pre_orders={row["item_id"]: row["available"] for row in pre_orders},
    )


class Knowing(NamedTuple):
    """How much of players is to be read: their uses of items alone, or with `login_project_id` all that is known."""

    project_id: int
    login_project_id: UUID | None = None


async def list_players(db: Session, knowing: Knowing, player_ids: Sequence[UUID]) -> dict[UUID, PackedUses]:
    """What is known of players, in one statement. Of whom nothing is known may be missing."""
    if knowing.login_project_id is None:
        rows = await db.fetch_all(LIST_USES, project=knowing.project_id, players=list(player_ids))
    else:
        rows = await db.fetch_all(
            LIST_STANDINGS,
            project=knowing.project_id,
            login=knowing.login_project_id,
            players=list(player_ids),
        )
    return {player_id: PackedUses(packed) for player_id, packed in rows}


def told_by(packed: PackedUses, attributes: Sequence[tuple[str, str]]) -> PackedUses:
    """What is known of a player together with what their token says, which counts before."""
    if not attributes:
        return packed
    used_items, _, rest = packed.partition("|")
    used_promotions, _, named = rest.partition("|")
    merged = {**(orjson.loads(named) if named else {}), **dict(attributes)}
    return PackedUses(f"{used_items}|{used_promotions}|{orjson.dumps(merged).decode()}")


def unpacked_standing(packed: PackedUses) -> Standing:
    """What is known of a player. Where only uses of items were read, nothing else is."""
    used_items, _, rest = packed.partition("|")
    used_promotions, _, named = rest.partition("|")
    return Standing(_unpacked(used_items), _unpacked(used_promotions), orjson.loads(named) if named else {})


def _unpacked(packed: str) -> dict[int, PlayerUses]:
    """What a player has used, by id."""
    found = {}
    for each in packed.split(";") if packed else ():
        number, used, start, *reset = map(int, each.split(","))
        reset_at = _EPOCH + reset[0] * _MICROSECOND if reset else None
        found[number] = PlayerUses(Uses(_EPOCH + start * _MICROSECOND, used), reset_at)
    return found
