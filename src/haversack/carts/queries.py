"""Reads and writes of carts.

A change is one statement on one row, or one of a version that was read before, so that changes at once lose nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    cast,
    column,
    delete,
    func,
    literal_column,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN
from sqlalchemy.sql.elements import TextClause

from haversack.carts.records import CARTS_MAX, Cart, CartLine, FilledCart, WantedCart
from haversack.carts.rules import cart_key, current_cart_id
from haversack.carts.tables import carts
from haversack.catalog.read_model.queries import LIST_USES, Knowing, standing_of, uses_of
from haversack.catalog.read_model.records import PackedUses
from haversack.catalog.records import ItemKind
from haversack.database.engine import Session
from haversack.errors import CART_NOT_FOUND

_types: dict[str, Any] = {
    "project": Integer,
    "owner": UUID_COLUMN(as_uuid=True),
    "cart": Text,
    "today": Date,
    "put": JSONB,
    "seen": JSONB,
    "codes": JSONB,
    "gone": ARRAY(Text),
    "stays": ARRAY(Text),
    "sku": Text,
    "most": Integer,
    "items": ARRAY(Integer),
    "quantities": ARRAY(Integer),
}


def _sql(statement: str) -> TextClause:
    """SQL whose parameters have the types of their names."""
    untyped = text(statement)
    return untyped.bindparams(*(bindparam(name, type_=_types[name]) for name in untyped.compile().params))


_this = (
    carts.c.project_id == bindparam("project", type_=_types["project"]),
    carts.c.owner_id == bindparam("owner", type_=_types["owner"]),
    carts.c.cart_id == bindparam("cart", type_=_types["cart"]),
)
FIND_CART = select(carts.c.lines, carts.c.promo_codes).where(*_this)
_asked = (
    func.unnest(
        bindparam("owners", type_=ARRAY(UUID_COLUMN(as_uuid=True))),
        bindparam("named", type_=ARRAY(Text)),
        bindparam("known", type_=ARRAY(BigInteger)),
    )
    .table_valued(
        column("owner_id", UUID_COLUMN),
        column("cart_id", Text),
        column("known", BigInteger),
        with_ordinality="place",
        name="asked",
    )
    .render_derived()
)
# PostgreSQL gives each version of a row the number of the transaction that wrote it.
_version = cast(cast(literal_column("carts.xmin"), Text), BigInteger)
# The limit keeps the planner from reading a project's carts, or all that players have used, to join them: each is found
# by its key, however many there are.
_kept = (
    select(carts.c.owner_id, carts.c.lines, carts.c.promo_codes, _version.label("version"))
    .where(
        carts.c.project_id == bindparam("project", type_=Integer),
        carts.c.owner_id == _asked.c.owner_id,
        carts.c.cart_id == _asked.c.cart_id,
    )
    .limit(literal_column("1"))
    .lateral("kept")
)


def _unless_known(stored: ColumnElement[Any]) -> ColumnElement[str]:
    """As the text that it is to PostgreSQL: a cart that was shown before is known by it."""
    return case((_kept.c.version != _asked.c.known, cast(stored, Text)))


def _list_carts(uses: ColumnElement[str]) -> Select[Any]:
    columns = (_asked.c.place, _kept.c.version, _unless_known(_kept.c.lines), uses, _unless_known(_kept.c.promo_codes))
    return select(*columns).select_from(_asked.join(_kept, true()))


# What players have used is packed as the catalog reads it, so that what it has made of it is used here too.
LIST_CARTS = _list_carts(uses_of(_kept.c.owner_id))
LIST_CARTS_AND_OWNERS = _list_carts(standing_of(_kept.c.owner_id))
_uses = LIST_USES.subquery("used")


def _with_uses(change: str) -> Select[Any]:
    """A change that returns the cart, with what its owner has used of limits."""
    changed = _sql(change).columns(carts.c.lines, carts.c.promo_codes, column("is_new", Boolean)).cte("changed")
    return select(changed, _uses.c.uses).select_from(changed.outerjoin(_uses, true()))


_put = cast(bindparam("put", type_=Text), JSONB)
_written = (_version, uses_of(bindparam("owner", type_=_types["owner"])))
MAKE_CART = (
    insert(carts)
    .values(
        project_id=bindparam("project"),
        owner_id=bindparam("owner"),
        cart_id=bindparam("cart"),
        lines=_put,
        touched_on=bindparam("today"),
    )
    .on_conflict_do_nothing(index_elements=[carts.c.project_id, carts.c.owner_id, carts.c.cart_id])
    .returning(*_written)
)
LOCK_CART = FIND_CART.with_for_update()
SET_LINES = update(carts).where(*_this).values(lines=_put, touched_on=bindparam("today")).returning(*_written)
SET_LINES_OF_VERSION = SET_LINES.where(_version == bindparam("version", type_=BigInteger))
TAKE_OUT = _sql("""
    UPDATE carts SET touched_on = :today, lines = (
        SELECT coalesce(jsonb_agg(old.line ORDER BY old.place), '[]')
        FROM jsonb_array_elements(lines) WITH ORDINALITY AS old (line, place)
        WHERE old.line ->> 'sku' <> :sku
    )
    WHERE project_id = :project AND owner_id = :owner AND cart_id = :cart
        AND lines @> jsonb_build_array(jsonb_build_object('sku', :sku))
""")
CLEAR = _sql("""
    UPDATE carts SET touched_on = :today, lines = '[]', promo_codes = '[]'
    WHERE project_id = :project AND owner_id = :owner AND cart_id = :cart
""")
# A code may be given to the current cart before anything is put in.
MAKE_WITH_CODES = _with_uses("""
    INSERT INTO carts AS kept (project_id, owner_id, cart_id, promo_codes, touched_on)
    VALUES (:project, :owner, :cart, :codes, :today)
    ON CONFLICT (project_id, owner_id, cart_id) DO UPDATE SET touched_on = :today, promo_codes = :codes
    RETURNING kept.lines, kept.promo_codes, kept.xmax = 0 AS is_new
""")
SET_CODES = _with_uses("""
    UPDATE carts AS kept SET touched_on = :today, promo_codes = :codes
    WHERE project_id = :project AND owner_id = :owner AND cart_id = :cart
    RETURNING kept.lines, kept.promo_codes, false AS is_new
""")
REMEMBER_SHOWN = _sql("""
    UPDATE carts SET lines = (
        SELECT jsonb_agg(CASE
            WHEN seen.price IS NULL THEN old.line
            ELSE old.line || jsonb_build_object('shown', (old.line -> 'shown') || seen.price)
        END ORDER BY old.place)
        FROM jsonb_array_elements(lines) WITH ORDINALITY AS old (line, place)
        LEFT JOIN jsonb_each(:seen) AS seen (item_id, price) ON seen.item_id = old.line ->> 'item_id'
    )
    WHERE project_id = :project AND owner_id = :owner AND cart_id = :cart AND lines <> '[]'
""")
SUBTRACT = _sql("""
    UPDATE carts SET lines = (
        SELECT coalesce(jsonb_agg(CASE
            WHEN bought.quantity IS NULL THEN old.line
            ELSE old.line || jsonb_build_object('quantity', CAST(old.line ->> 'quantity' AS integer) - bought.quantity)
        END ORDER BY old.place), '[]')
        FROM jsonb_array_elements(lines) WITH ORDINALITY AS old (line, place)
        LEFT JOIN unnest(:items, :quantities) AS bought (item_id, quantity)
            ON bought.item_id = CAST(old.line ->> 'item_id' AS integer)
        WHERE bought.quantity IS NULL OR bought.quantity < CAST(old.line ->> 'quantity' AS integer)
    )
    WHERE project_id = :project AND owner_id = :owner AND cart_id = :cart
""")
TAKE_CODES_OFF = _sql("""
    UPDATE carts SET promo_codes = '[]'
    WHERE project_id = :project AND owner_id = :owner AND cart_id = :cart AND jsonb_path_exists(
        promo_codes, '$[*].code ? (@ == $given[*])', jsonb_build_object('given', to_jsonb(:gone))
    )
""")
FORGET_SURPLUS = _sql("""
    DELETE FROM carts WHERE project_id = :project AND owner_id = :owner AND cart_id IN (
        SELECT cart_id FROM carts
        WHERE project_id = :project AND owner_id = :owner AND cart_id <> ALL (:stays)
        ORDER BY touched_on DESC, cart_id
        OFFSET :most
    )
""")
FORGET_OLD = delete(carts).where(carts.c.touched_on < bindparam("before", type_=Date))


def _line(stored: Mapping[str, Any]) -> CartLine:
    return CartLine(stored["item_id"], stored["sku"], ItemKind(stored["kind"]), stored["quantity"], stored["shown"])


def text_of(lines: Sequence[CartLine]) -> str:
    """Lines as a cart keeps them."""
    return orjson.dumps([line._asdict() for line in lines]).decode()


def cart_of(cart_id: str, lines: Sequence[Mapping[str, Any]], codes: Sequence[Mapping[str, Any]]) -> Cart:
    """A cart of its stored lines and codes."""
    return Cart(
        cart_id=cart_id,
        lines=tuple(map(_line, lines)),
        promo_codes=tuple(each["code"] for each in codes),
        chosen_keys={game: key for each in codes for game, key in each["keys"].items()},
    )


async def find_cart(db: Session, project_id: int, owner_id: UUID, cart_id: str) -> Cart | None:
    """A cart; None for one that was never filled."""
    row = await db.fetch_one(FIND_CART, project=project_id, owner=owner_id, cart=cart_id)
    return None if row is None else cart_of(cart_id, row["lines"], row["promo_codes"])


class Written(NamedTuple):
    """A cart that has been written: its version now, and what its owner has used of limits."""

    version: int
    uses: PackedUses


class CartRow(NamedTuple):
    """A cart as it was read. Lines and codes None: they are those of the version that the reader knows."""

    version: int
    lines: str | None
    uses: PackedUses
    promo_codes: str | None


async def list_stored_carts(
    db: Session, knowing: Knowing, asked: Sequence[tuple[UUID, str, int]]
) -> dict[tuple[UUID, str, int], CartRow]:
    """Carts by owner, id and the version that is known of them, with what is known of their owners, in one statement.
    Those that were never filled are missing."""
    values = {
        "project": knowing.project_id,
        "owners": [owner_id for owner_id, _, _ in asked],
        "named": [cart_id for _, cart_id, _ in asked],
        "known": [version for _, _, version in asked],
    }
    if knowing.login_project_id is None:
        rows = await db.fetch_all(LIST_CARTS, **values)
    else:
        rows = await db.fetch_all(LIST_CARTS_AND_OWNERS, **values, login=knowing.login_project_id)
    return {asked[place - 1]: CartRow(*stored) for place, *stored in rows}


async def wanted_of_cart(
    db: Session, project_id: int, owner_id: UUID, cart_id: str | None, *, name: str = ""
) -> WantedCart:
    """What a cart (None: the current one) wants.

    CART_NOT_FOUND for an id under which the owner has filled nothing yet; the current cart always exists. Items may be
    gone from the catalog since they were put in. name: how the game calls the owner, for the refusal.
    """
    key = cart_key(project_id, owner_id, cart_id)
    cart = await find_cart(db, project_id, owner_id, key)
    if cart is None:
        if key != current_cart_id(project_id, owner_id):
            raise CART_NOT_FOUND(user=name or owner_id)
        return WantedCart(key)
    lines = tuple((line.item_id, line.quantity) for line in cart.lines)
    return WantedCart(key, lines, cart.promo_codes, cart.chosen_keys)


async def make_cart(
    db: Session, project_id: int, owner_id: UUID, cart_id: str, lines: str, *, today: date
) -> Written | None:
    """Make a cart with these lines (`text_of`); None, and nothing done, where there is one."""
    values = {"put": lines, "today": today}
    row = await db.fetch_one(MAKE_CART, project=project_id, owner=owner_id, cart=cart_id, **values)
    return None if row is None else Written(*row)


async def set_lines(
    db: Session,
    project_id: int,
    owner_id: UUID,
    cart_id: str,
    lines: str,
    *,
    today: date,
    version: int | None = None,
) -> Written | None:
    """Give a cart these lines (`text_of`) in place of its own; None, and nothing done, where it is not of this version
    any more."""
    values: dict[str, Any] = {"put": lines, "today": today}
    statement = SET_LINES
    if version is not None:
        statement, values["version"] = SET_LINES_OF_VERSION, version
    row = await db.fetch_one(statement, project=project_id, owner=owner_id, cart=cart_id, **values)
    return None if row is None else Written(*row)


async def lock_cart(db: Session, project_id: int, owner_id: UUID, cart_id: str) -> Cart | None:
    """A cart, kept from changing until the transaction ends; None for one that was never filled."""
    row = await db.fetch_one(LOCK_CART, project=project_id, owner=owner_id, cart=cart_id)
    return None if row is None else cart_of(cart_id, row["lines"], row["promo_codes"])


def _changed(cart_id: str, row: asyncpg.Record) -> FilledCart:
    uses = PackedUses(row["uses"] or "")
    return FilledCart(cart_of(cart_id, row["lines"], row["promo_codes"]), uses, row["is_new"])


async def set_codes(
    db: Session,
    project_id: int,
    owner_id: UUID,
    cart_id: str,
    codes: Mapping[str, Mapping[str, str]],
    *,
    today: date,
) -> FilledCart | None:
    """Put codes, each with the keys that were chosen for its games, in the place of those that a cart has. None where
    there is no such cart; the current one is made for codes, where there are any."""
    is_made = bool(codes) and cart_id == current_cart_id(project_id, owner_id)
    row = await db.fetch_one(
        MAKE_WITH_CODES if is_made else SET_CODES,
        project=project_id,
        owner=owner_id,
        cart=cart_id,
        codes=[{"code": code, "keys": dict(keys)} for code, keys in codes.items()],
        today=today,
        players=[owner_id],
    )
    return None if row is None else _changed(cart_id, row)


async def take_out(db: Session, project_id: int, owner_id: UUID, cart_id: str, *, sku: str, today: date) -> bool:
    """Take an item out of a cart; False if it is not in it."""
    changed = await db.execute(TAKE_OUT, project=project_id, owner=owner_id, cart=cart_id, sku=sku, today=today)
    return changed == 1


async def clear_cart(db: Session, project_id: int, owner_id: UUID, cart_id: str, *, today: date) -> None:
    """Take everything out of a cart, if there is one."""
    await db.execute(CLEAR, project=project_id, owner=owner_id, cart=cart_id, today=today)


async def remember_shown(
    db: Session, project_id: int, owner_id: UUID, cart_id: str, seen: Mapping[int, Mapping[str, str]]
) -> None:
    """Keep what the owner was shown of lines: unit prices by item id and currency."""
    values = {str(item_id): prices for item_id, prices in seen.items()}
    await db.execute(REMEMBER_SHOWN, project=project_id, owner=owner_id, cart=cart_id, seen=values)


async def subtract_lines(
    db: Session, project_id: int, owner_id: UUID, cart_id: str, quantities: Mapping[int, int]
) -> None:
    """Take so many of items out of a cart, if there is one; a line of which nothing is left goes."""
    await db.execute(
        SUBTRACT,
        project=project_id,
        owner=owner_id,
        cart=cart_id,
        items=list(quantities),
        quantities=list(quantities.values()),
    )


async def take_codes_off(db: Session, project_id: int, owner_id: UUID, cart_id: str, codes: Sequence[str]) -> None:
    """Take codes off a cart, if it has one of them."""
    await db.execute(TAKE_CODES_OFF, project=project_id, owner=owner_id, cart=cart_id, gone=list(codes))


async def forget_surplus(db: Session, project_id: int, owner_id: UUID, cart_id: str) -> None:
    """Forget the carts of an owner that were not touched for longest, where there are too many beside this one and the
    current one."""
    stays = [cart_id, current_cart_id(project_id, owner_id)]
    await db.execute(FORGET_SURPLUS, project=project_id, owner=owner_id, stays=stays, most=CARTS_MAX - 2)


async def forget_old_carts(db: Session, *, before: date) -> int:
    """Forget the carts that were last touched before a day; how many."""
    return await db.execute(FORGET_OLD, before=before)
