"""Taking a step of a chain: under the player's turn, once in each window, with what it gives in one transaction."""

from datetime import datetime
from uuid import UUID

from haversack.catalog.selling import Shop, open_shop
from haversack.chains.actions import get_chain, not_found
from haversack.chains.held import chains_of
from haversack.chains.queries.claims import add_claim, list_progress
from haversack.chains.records import Chain, ChainKind, Standing, Step
from haversack.chains.rules import chain_window, check_claim, rewards_for, standing_of, visible_chains
from haversack.database.engine import Session
from haversack.errors import REWARD_STEP_NOT_FOUND
from haversack.http.calls import BuyerCall
from haversack.inventory.actions import Granted, grant
from haversack.inventory.ledger import chain_row, moment_text, write_ledger
from haversack.inventory.rules import merged, unfold
from haversack.orders.queries import take_turn
from haversack.personalization.attributes import read_attributes
from haversack.personalization.records import Attributes


def source_of(chain_id: int, window_start: datetime, step_id: int, player_id: UUID) -> str:
    """What the grant of a step is written under."""
    return f"chain:{chain_id}:{moment_text(window_start)}:{step_id}:{player_id}"


async def claim_step(
    call: BuyerCall, kind: ChainKind, chain_id: int, *, step_id: int | None = None, number: int | None = None
) -> None:
    """Take a step, named by its id or its number, and what it gives.

    Refuses with the kind's not-found what the player does not see, and as `rules.check_claim` says what cannot be
    taken.
    """
    shop = await open_shop(call.context.catalogs, call.project_id)
    attributes = await read_attributes(call.db, call.project_id, call.player)
    async with call.db.begin():
        await take_turn(call.db, call.project_id, call.player_id)
        chain = await get_visible_chain(call, shop, kind, chain_id, attributes)
        step = chain.find_step(step_id=step_id, number=number)
        if step is None:
            raise _step_not_found(chain, number)
        standing = await read_standing(call.db, chain, call.player_id, call.now)
        check_claim(chain, step, standing, call.now)
        is_first = await take_step(
            call.db,
            shop,
            chain,
            step,
            player_id=call.player_id,
            window_start=standing.progress.window_start,
            attributes=attributes,
            now=call.now,
        )
        assert is_first, "under the player's turn nobody else has taken it meanwhile"


async def get_visible_chain(
    call: BuyerCall, shop: Shop, kind: ChainKind, chain_id: int, attributes: Attributes | None
) -> Chain:
    """The chain as it is in the database now, if the player sees it, else its kind's not-found."""
    chain = await get_chain(call.db, call.project_id, kind, chain_id)
    others = [each for each in (await chains_of(call.db, shop)).of_kind(kind) if each.chain_id != chain_id]
    if chain not in visible_chains([*others, chain], attributes, call.now):
        raise not_found(kind, call.project_id, chain_id)
    return chain


async def read_standing(db: Session, chain: Chain, player_id: UUID, now: datetime) -> Standing:
    """How a player stands with a chain."""
    start = chain_window(chain, now).start
    progress = await list_progress(db, chain.project_id, player_id, {chain.chain_id: start})
    return standing_of(chain, progress.get(chain.chain_id), now)


async def take_step(
    db: Session,
    shop: Shop,
    chain: Chain,
    step: Step,
    *,
    player_id: UUID,
    window_start: datetime,
    attributes: Attributes | None,
    now: datetime,
    order_id: int | None = None,
) -> bool:
    """Note that a player has taken a step and give what it gives, in the caller's transaction; False where it was taken
    in this window before. What the player can own once and owns stays as it is.

    order_id: the order that paid it, and that gives its items itself.
    """
    assert db.in_transaction, "a step is taken with what it gives"
    is_first = await add_claim(
        db,
        chain.project_id,
        player_id,
        chain_id=chain.chain_id,
        window_start=window_start,
        step_id=step.step_id,
        now=now,
        order_id=order_id,
    )
    if not is_first:
        return False
    source = source_of(chain.chain_id, window_start, step.step_id, player_id)
    content = content_of(shop, step, attributes) if order_id is None else ()
    if content:
        await grant(
            db,
            project_id=chain.project_id,
            player_id=player_id,
            source=source,
            content=content,
            now=now,
            keeps_owned=True,
        )
    row = chain_row(chain.chain_id, window_start, step.step_id)
    await write_ledger(db, project_id=chain.project_id, player_id=player_id, source=source, rows=[row], now=now)
    return True


def content_of(shop: Shop, step: Step, attributes: Attributes | None) -> tuple[Granted, ...]:
    """What a step gives to a player of these attributes; items that have been deleted since are left out."""
    found: list[Granted] = []
    for item_id, quantity in rewards_for(step, attributes):
        item = shop.find_by_id(item_id)
        if item is not None:
            found += unfold(item, quantity, country=None)
    return merged(found)


def _step_not_found(chain: Chain, number: int | None) -> Exception:
    if chain.kind is ChainKind.REWARD:
        return REWARD_STEP_NOT_FOUND()
    return not_found(chain.kind, chain.project_id, chain.chain_id, number)
