"""What follows from an order that is paid: its goods are given, and the game is told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from haversack.backpack import queries as backpack
from haversack.backpack.actions import fill_backpack
from haversack.backpack.records import ItemState, ItemType, NewItem
from haversack.catalog.read_model.rules import is_before_release
from haversack.context import Context
from haversack.database.engine import Session
from haversack.errors import KEYS_TOO_FEW
from haversack.inventory.actions import grant, take_back
from haversack.inventory.ledger import LedgerRow, key_row, write_ledger
from haversack.inventory.queries.giving import add_grant, find_content
from haversack.inventory.records import CurrencyGrant, Granted, ItemGrant, KeyGrant
from haversack.orders import rules
from haversack.orders.backpack_items import backpack_item
from haversack.orders.codes import source_of, take_codes
from haversack.orders.records import Order, OrderState
from haversack.payments.records import Payment, Refund
from haversack.projects.records import OrderDestination, OrderWebhooks, Project
from haversack.webhooks.actions import publish
from haversack.webhooks.order_events import OrderCanceled, OrderPaid, PaymentMade, PaymentRefunded
from haversack.webhooks.records import Purpose
from haversack.webhooks.tables import webhook_endpoints as endpoints

# The first part of the reference of `order_paid`: `actions.record_delivery` is told of its outcome.
REFERENCE = "order"
BACKPACK_ENTRY = "backpack"

HAS_ENDPOINT = select(endpoints.c.project_id).where(
    endpoints.c.project_id == bindparam("project"),
    endpoints.c.purpose == Purpose.STORE.value,
    endpoints.c.is_enabled,
)


def refund_source_of(order: Order) -> str:
    """The same for what a refund takes back."""
    return f"refund:{order.order_id}"


def keeps_owned(order: Order) -> bool:
    """Whether what can be owned once and is owned already stands in no way: a free step of a chain is a reward, and
    the steps after it would never open."""
    return order.chain_step is not None and order.is_free


async def give(db: Session, context: Context, order: Order, *, project: Project, now: datetime) -> None:
    """Give what was ordered, into the inventory or the Backpack, in the caller's transaction.

    Refuses with NON_CONSUMABLE_OWNED, KEYS_TOO_FEW and OWNED_TOO_MANY what cannot be given.
    """
    content = rules.granted_of(order)
    if order.destination is OrderDestination.BACKPACK:
        await _fill_backpack(db, context, project, order, content, now=now)
        return
    is_first = await grant(
        db,
        project_id=order.project_id,
        player_id=order.player_id,
        source=source_of(order),
        content=content,
        now=now,
        keeps_owned=keeps_owned(order),
    )
    assert is_first, f"order {order.order_id} was given before"


async def _fill_backpack(
    db: Session, context: Context, project: Project, order: Order, content: Sequence[Granted], *, now: datetime
) -> None:
    """Each thing as an item of the Backpack; its grant keeps their ids, for a refund."""
    lines = {line.sku: line for line in reversed(order.lines)}
    new: list[NewItem] = []
    rows: list[LedgerRow] = []
    for given in content:
        line = lines[given.sku]
        match given:
            case CurrencyGrant():
                new.append(backpack_item(order, line, ItemType.VIRTUAL_CURRENCY, quantity=given.quantity))
            case ItemGrant():
                new += [backpack_item(order, line, ItemType.VIRTUAL_ITEM)] * given.quantity
            case KeyGrant():
                for code_id, code in await _take_codes(db, context, order, given, now=now):
                    new.append(backpack_item(order, line, ItemType.GAME_KEY, code=code))
                    rows.append(key_row(given.item_id, code_id, -1))
    made = await fill_backpack(db, context.sealer, project, order.player_id, new) if new else []
    entries: list[dict[str, Any]] = [{"kind": BACKPACK_ENTRY, "backpack_item_id": item.item_id.hex} for item in made]
    await add_grant(
        db,
        project_id=order.project_id,
        source=source_of(order),
        player_id=order.player_id,
        content=entries,
        now=now,
    )
    await write_ledger(
        db, project_id=order.project_id, player_id=order.player_id, source=source_of(order), rows=rows, now=now
    )


async def _take_codes(
    db: Session, context: Context, order: Order, given: KeyGrant, *, now: datetime
) -> list[tuple[int, str]]:
    if is_before_release(given.pre_order, now):
        return []
    taken = await take_codes(db, context, order, given.item_id, given.quantity, now=now, is_anywhere=given.is_anywhere)
    if len(taken) < given.quantity:
        raise KEYS_TOO_FEW(quantity=given.quantity, sku=given.sku)
    return taken


async def take_back_given(db: Session, order: Order, *, now: datetime) -> None:
    """Take back what an order gave, as far as the player still has it."""
    if order.destination is not OrderDestination.BACKPACK:
        await take_back(
            db,
            project_id=order.project_id,
            player_id=order.player_id,
            grant_source=source_of(order),
            source=refund_source_of(order),
            now=now,
        )
        return
    entries = await find_content(db, order.project_id, source_of(order), order.player_id) or []
    for entry in sorted(entries, key=lambda entry: str(entry["backpack_item_id"])):
        await _empty_backpack(db, order, UUID(hex=entry["backpack_item_id"]), now=now)


async def _empty_backpack(db: Session, order: Order, item_id: UUID, *, now: datetime) -> None:
    """What still lies there goes; a currency that went to the wallet is taken from it; the rest is with the game."""
    is_gone = await backpack.move_item(
        db,
        project_id=order.project_id,
        item_id=item_id,
        from_states=[ItemState.CLAIMED, ItemState.CHECKING],
        to_state=ItemState.DELETED,
        settled_at=now,
    )
    if is_gone:
        await backpack.forget_code(db, project_id=order.project_id, item_id=item_id)
        return
    await take_back(
        db,
        project_id=order.project_id,
        player_id=order.player_id,
        grant_source=f"backpack:{item_id}",
        source=f"{refund_source_of(order)}:{item_id}",
        now=now,
    )


async def tell_paid(db: Session, project: Project, order: Order, payment: Payment | None, *, now: datetime) -> Order:
    """Tell the game, and return the order as it stands then: done where nobody has to take it first.

    Free and virtual-currency orders (payment None) are done at once, and so is everything where no game listens.
    """
    listens = payment is not None and await db.fetch_one(HAS_ENDPOINT, project=order.project_id) is not None
    after = None
    if payment is not None and project.order_webhooks is OrderWebhooks.SEPARATE:
        after = await _publish(db, project, order, PaymentMade(payment=payment, order=order))
    is_combined = project.order_webhooks is OrderWebhooks.COMBINED
    event = OrderPaid(order=order, payment=payment if is_combined else None)
    delivery_id = await _publish(db, project, order, event, after=after, is_answered=listens)
    if listens:
        return replace(order, delivery_id=delivery_id)
    return replace(order, state=rules.move(order.state, OrderState.DONE), ended_at=now, delivery_id=delivery_id)


async def tell_refunded(db: Session, project: Project, order: Order, payment: Payment, refund: Refund) -> None:
    """Tell the game that the money went back and the order is canceled."""
    if project.order_webhooks is OrderWebhooks.COMBINED:
        await _publish(db, project, order, OrderCanceled(order=order, payment=payment, refund=refund))
        return
    after = await _publish(db, project, order, PaymentRefunded(payment=payment, refund=refund, order=order))
    await _publish(db, project, order, OrderCanceled(order=order), after=after)


async def _publish(
    db: Session,
    project: Project,
    order: Order,
    event: OrderPaid | OrderCanceled | PaymentMade | PaymentRefunded,
    *,
    after: int | None = None,
    is_answered: bool = False,
) -> int:
    return await publish(
        db,
        project,
        event,
        purpose=Purpose.STORE,
        player_key=str(order.player_id),
        # Nobody waits for the outcome of the others.
        reference=f"{REFERENCE}:{order.order_id}" if is_answered else None,
        after=after,
    )
