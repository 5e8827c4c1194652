"""What a paid order does to the chain that it is of. Orders use it, so it knows none of their actions."""

from datetime import datetime

from haversack.chains.queries.claims import add_claim
from haversack.database.engine import Session
from haversack.errors import REWARD_CLAIMED
from haversack.inventory.ledger import chain_row, write_ledger
from haversack.orders.codes import source_of
from haversack.orders.records import Order


async def complete_step(db: Session, order: Order, *, now: datetime) -> None:
    """Count the step that an order is of as done, in the transaction that pays the order; REWARD_CLAIMED where another
    order has done it.

    It counts in the window in which it was ordered: after a reset its items are given all the same, and the player
    stays at the first step.
    """
    step = order.chain_step
    if step is None:
        return
    is_first = await add_claim(
        db,
        order.project_id,
        order.player_id,
        chain_id=step.chain_id,
        window_start=step.window_start,
        step_id=step.step_id,
        now=now,
        order_id=order.order_id,
    )
    if not is_first:
        raise REWARD_CLAIMED()
    row = chain_row(step.chain_id, step.window_start, step.step_id)
    await write_ledger(
        db, project_id=order.project_id, player_id=order.player_id, source=source_of(order), rows=[row], now=now
    )
