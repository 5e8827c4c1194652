"""Codes of game keys that orders gave: what their buyers read, and those that pre-orders are owed at the release."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    Text,
    any_,
    bindparam,
    cast,
    false,
    func,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from haversack.backpack.actions import fill_backpack
from haversack.backpack.records import ItemType
from haversack.catalog.keys.queries.codes import take_sealed_codes
from haversack.catalog.keys.records import CodeState
from haversack.catalog.read_model.rules import is_before_release
from haversack.catalog.records import ItemKind
from haversack.catalog.selling import open_shop
from haversack.catalog.tables import key_codes
from haversack.context import Context
from haversack.database.engine import DatabaseAway, Session
from haversack.inventory.ledger import KEY, key_row, write_ledger
from haversack.inventory.tables import ledger
from haversack.orders import queries
from haversack.orders.backpack_items import backpack_item
from haversack.orders.holding import pools_of
from haversack.orders.records import Order, OrderCode, OrderLine, OrderState
from haversack.orders.tables import order_lines
from haversack.projects.queries import find_project
from haversack.projects.records import OrderDestination, Project
from haversack.projects.tables import project_now, projects
from haversack.sealing import Sealer

log = logging.getLogger("haversack.orders")

OWED_AT_ONCE_MAX = 200

LIST_CODES = (
    select(key_codes.c.item_id, key_codes.c.code_sealed)
    .join(
        ledger,
        (ledger.c.project_id == key_codes.c.project_id)
        & (cast(ledger.c.subject, Integer) == key_codes.c.item_id)
        & (cast(ledger.c.detail, BigInteger) == key_codes.c.code_id),
    )
    .where(
        ledger.c.project_id == bindparam("project"),
        ledger.c.player_id == bindparam("player"),
        ledger.c.kind == KEY,
        ledger.c.subject == any_(bindparam("subjects", type_=ARRAY(Text))),
        ledger.c.source == bindparam("of_source"),
        ledger.c.change < 0,
    )
    .order_by(ledger.c.seq)
)
_pre_order = order_lines.c.details["pre_order"]
_release = cast(_pre_order["release_date"].astext, DateTime(timezone=True))
_is_enabled = func.coalesce(_pre_order["is_enabled"].as_boolean(), false())
# Those whose release has come: pre-orders that wait for theirs may be many, and are not to be looked at each time.
LIST_OWED = (
    select(order_lines.c.project_id, order_lines.c.order_id)
    .join(projects, projects.c.project_id == order_lines.c.project_id)
    .where(
        order_lines.c.codes_owed > 0,
        or_(
            bindparam("one_project", type_=Integer).is_(None),
            order_lines.c.project_id == bindparam("one_project", type_=Integer),
        ),
        or_(not_(_is_enabled), _release <= project_now),
        tuple_(order_lines.c.project_id, order_lines.c.order_id)
        > tuple_(bindparam("after_project", type_=Integer), bindparam("after_order", type_=Integer)),
    )
    .distinct()
    .order_by(order_lines.c.project_id, order_lines.c.order_id)
    .limit(bindparam("most", type_=Integer))
)
FIND_NEXT_RELEASE = select(func.min(_release)).where(
    order_lines.c.project_id == bindparam("project"),
    order_lines.c.codes_owed > 0,
    _is_enabled,
    _release > bindparam("after", type_=DateTime(timezone=True)),
)


def source_of(order: Order) -> str:
    """What grants, ledger rows and codes of an order name as their source."""
    return f"order:{order.order_id}"


async def list_codes(db: Session, sealer: Sealer, order: Order) -> list[OrderCode]:
    """The codes that an order gave, in the order in which they were given; none of one that is not done, or no more."""
    skus = {line.item_id: line.sku for line in order.lines if line.kind is ItemKind.GAME_KEY}
    if order.state is not OrderState.DONE or not skus:
        return []
    rows = await db.fetch_all(
        LIST_CODES,
        project=order.project_id,
        player=order.player_id,
        subjects=[str(item_id) for item_id in skus],
        of_source=source_of(order),
    )
    return [OrderCode(skus[row["item_id"]], sealer.open_text(row["code_sealed"])) for row in rows]


async def take_codes(
    db: Session,
    context: Context,
    order: Order,
    item_id: int,
    quantity: int,
    *,
    now: datetime,
    is_anywhere: bool = False,
) -> list[tuple[int, str]]:
    """Take up to so many codes of a key for an order's buyer, of pools that the buyer's country may have or of any:
    their ids and texts."""
    shop = await open_shop(context.catalogs, order.project_id)
    taken: list[tuple[int, bytes]] = []
    for pool in pools_of(shop.catalog, order.country, is_anywhere=is_anywhere):
        if len(taken) < quantity:
            taken += await take_sealed_codes(
                db,
                order.project_id,
                item_id,
                pool,
                quantity=quantity - len(taken),
                state=CodeState.USED,
                source=source_of(order),
                player_id=order.player_id,
                now=now,
            )
    return [(code_id, context.sealer.open_text(sealed)) for code_id, sealed in taken]


async def find_next_release(db: Session, project_id: int, *, after: datetime) -> datetime | None:
    """When the next release comes, later than a moment, for which codes of a project are owed."""
    found: datetime | None = await db.fetch_value(FIND_NEXT_RELEASE, project=project_id, after=after)
    return found


async def hand_out_owed_codes(context: Context, project_id: int | None = None) -> int:
    """Give the codes of pre-orders of a project, or of all, whose release has come, as far as there are codes; how
    many. Two processes may do it at once."""
    db = context.database.session()
    given = 0
    last = (0, 0)
    # Orders that get no code, for there is none, stay owed: the next ones are those behind them.
    while owed := await db.fetch_all(
        LIST_OWED, most=OWED_AT_ONCE_MAX, one_project=project_id, after_project=last[0], after_order=last[1]
    ):
        for row in owed:
            project = await find_project(db, row["project_id"])
            assert project is not None, "an order has a project"
            try:
                given += await _hand_out(context, project, row["order_id"])
            except DatabaseAway:
                raise
            except Exception:
                # A fault of ours with one order must not keep the others from their codes.
                log.exception("order %d of project %d cannot be given its codes", row["order_id"], project.project_id)
        last = (owed[-1]["project_id"], owed[-1]["order_id"])
    return given


async def _hand_out(context: Context, project: Project, order_id: int) -> int:
    db = context.database.session()
    now = project.clock.now()
    async with db.begin():
        found = await queries.get_order(db, project.project_id, order_id)
        await queries.take_turn(db, project.project_id, found.player_id)
        order = await queries.lock_order(db, project.project_id, order_id)
        if order.state not in (OrderState.PAID, OrderState.DONE):
            return 0
        changed: list[OrderLine] = []
        codes: list[tuple[OrderLine, int, str]] = []
        for line in sorted(order.lines, key=lambda line: line.item_id):
            if line.codes_owed and not is_before_release(line.pre_order, now):
                taken = await take_codes(
                    db, context, order, line.item_id, line.codes_owed, now=now, is_anywhere=line.is_bonus
                )
                codes += [(line, code_id, code) for code_id, code in taken]
                if taken:
                    changed.append(replace(line, codes_owed=line.codes_owed - len(taken)))
                if len(taken) < line.codes_owed:
                    log.warning("order %d is owed %d codes of %s", order_id, line.codes_owed - len(taken), line.sku)
        await _keep(db, context, project, order, changed, codes, now=now)
    return len(codes)


async def _keep(
    db: Session,
    context: Context,
    project: Project,
    order: Order,
    changed: Sequence[OrderLine],
    codes: Sequence[tuple[OrderLine, int, str]],
    *,
    now: datetime,
) -> None:
    if not codes:
        return
    await queries.save_reserved(db, order, changed)
    if order.destination is OrderDestination.BACKPACK:
        new = [backpack_item(order, line, ItemType.GAME_KEY, code=code) for line, _, code in codes]
        await fill_backpack(db, context.sealer, project, order.player_id, new)
    await write_ledger(
        db,
        project_id=order.project_id,
        player_id=order.player_id,
        source=source_of(order),
        rows=[key_row(line.item_id, code_id, -1) for line, code_id, _ in codes],
        now=now,
    )
