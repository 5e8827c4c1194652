"""Taking a step of an offer chain: which one is open, and the order by which it is taken."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from haversack.catalog.selling import open_shop
from haversack.chains.actions import not_found
from haversack.chains.claiming import get_visible_chain, read_standing
from haversack.chains.records import Chain, ChainKind, Standing, Step
from haversack.chains.rules import check_claim, check_order
from haversack.http.calls import BuyerCall
from haversack.orders.preparing import Wanted
from haversack.orders.queries import take_turn
from haversack.orders.records import ChainStep
from haversack.personalization.attributes import read_attributes

_Check: TypeAlias = Callable[[Chain, Step, Standing, datetime], None]


async def open_free_step(call: BuyerCall, chain_id: int, number: int) -> tuple[ChainStep, list[Wanted]]:
    """The step that the player claims and what it gives, under the player's turn, in the caller's transaction: it is
    open and free, or refused."""
    return await _open_step(call, chain_id, number, check_claim)


async def open_paid_step(call: BuyerCall, chain_id: int, number: int) -> tuple[ChainStep, list[Wanted]]:
    """The same of a step that the player orders: it is open and has a price."""
    return await _open_step(call, chain_id, number, check_order)


async def _open_step(call: BuyerCall, chain_id: int, number: int, check: _Check) -> tuple[ChainStep, list[Wanted]]:
    assert call.db.in_transaction, "a step stays open as long as the player's turn"
    shop = await open_shop(call.context.catalogs, call.project_id)
    attributes = await read_attributes(call.db, call.project_id, call.player)
    await take_turn(call.db, call.project_id, call.player_id)
    chain = await get_visible_chain(call, shop, ChainKind.OFFER, chain_id, attributes)
    step = chain.find_step(number=number)
    if step is None:
        raise not_found(ChainKind.OFFER, call.project_id, chain_id, number)
    standing = await read_standing(call.db, chain, call.player_id, call.now)
    check(chain, step, standing, call.now)
    taken = ChainStep(chain_id=chain.chain_id, step_id=step.step_id, window_start=standing.progress.window_start)
    return taken, [Wanted("", reward.quantity, reward.item_id) for reward in step.rewards]
