"""Taking a step of a chain: under the player's turn, once in each window, with what it gives in one transaction."""

from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from haversack.catalog.selling import Shop, open_shop, reopen_shop
from haversack.chains.actions import get_chain, not_found
from haversack.chains.held import chains_of
from haversack.chains.queries.chains import list_chains_of_points
from haversack.chains.queries.claims import add_claim, list_progress
from haversack.chains.queries.points import list_resets
from haversack.chains.queries.standing import Asked, read_player
from haversack.chains.records import ByPoints, Chain, ChainKind, Standing, Step
from haversack.chains.rules import (
    chain_window,
    check_claim,
    is_running,
    points_window,
    rewards_for,
    standing_of,
    visible_chains,
)
from haversack.database.engine import Session
from haversack.errors import REWARD_CLAIMED, REWARD_STEP_NOT_FOUND
from haversack.http.calls import BuyerCall
from haversack.inventory.ledger import AccountRow, chain_row, moment_text, write_accounts
from haversack.inventory.parcels import Parcel, give_parcels
from haversack.inventory.records import Granted
from haversack.inventory.rules import merged, unfold
from haversack.orders.gates import through_player_gate
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
    async with through_player_gate(call.db, call.project_id, call.player_id) as done:
        await refuse_claimed(call, shop, kind, chain_id, done, step_id=step_id, number=number)
        attributes = await read_attributes(call.db, call.project_id, call.player)
        async with call.db.begin():
            await take_turn(call.db, call.project_id, call.player_id)
            chain = await get_visible_chain(call, shop, kind, chain_id, attributes)
            step = chain.find_step(step_id=step_id, number=number)
            if step is None:
                raise _step_not_found(chain, number)
            standing = await read_standing(call.db, chain, call.player_id, call.now)
            check_claim(chain, step, standing, call.now)
            shop = await with_rewards(call, shop, [step])
            taking = Taking(chain, step, standing.progress.window_start)
            taken = await take_steps(
                call.db, shop, [taking], player_id=call.player_id, attributes=attributes, now=call.now
            )
            assert taken, "under the player's turn nobody else has taken it meanwhile"
            call.db.after_commit(lambda: done.add(taking.key))


async def refuse_claimed(
    call: BuyerCall,
    shop: Shop,
    kind: ChainKind,
    chain_id: int,
    done: Container[Hashable] = (),
    *,
    step_id: int | None = None,
    number: int | None = None,
) -> None:
    """Refuse what was claimed before without a turn, whoever asks how often: at the cost of one read, or of none where
    it was claimed while the call waited. All else is decided under the player's turn."""
    chains = (await chains_of(call.db, shop)).of_kind(kind)
    chain = next((each for each in chains if each.chain_id == chain_id and is_running(each, call.now)), None)
    step = None if chain is None else chain.find_step(step_id=step_id, number=number)
    if chain is None or step is None:
        return
    start = chain_window(chain, call.now).start
    if Taking(chain, step, start).key in done:
        raise REWARD_CLAIMED()
    progress = await list_progress(call.db, call.project_id, call.player_id, {chain_id: start})
    standing = standing_of(chain, progress.get(chain_id), call.now)
    if step.step_id in standing.progress.claimed:
        raise REWARD_CLAIMED()


async def with_rewards(call: BuyerCall, shop: Shop, steps: Iterable[Step]) -> Shop:
    """The shop with all that steps give, as far as it exists: a chain may be newer than the catalog of this process,
    and what it gives must not be lost."""
    if all(shop.find_by_id(reward.item_id) is not None for step in steps for reward in step.rewards):
        return shop
    return await reopen_shop(call.context.catalogs, call.db, call.project_id)


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
    """How a player stands with a chain, as the database says it now."""
    own, clans = await _points_asked(db, chain, now)
    asked = Asked(
        chains={chain.chain_id: chain_window(chain, now).start},
        own_points=own,
        clan_points=clans,
    )
    state = await read_player(db, chain.project_id, player_id, asked)
    points = sum(state.points.get(point, 0) for point in (*own, *clans))
    return standing_of(chain, state.progress.get(chain.chain_id), now, points=points, clan=state.clan)


async def _points_asked(db: Session, chain: Chain, now: datetime) -> tuple[dict[int, datetime], dict[int, datetime]]:
    """The value point that a chain counts, with its window: among those of players, or among those of clans."""
    if not isinstance(chain.opening, ByPoints):
        return {}, {}
    point = chain.opening.value_point_id
    sharing = await list_chains_of_points(db, chain.project_id, [point])
    asked = {point: points_window(point, sharing, await list_resets(db, chain.project_id), now)}
    return ({}, asked) if chain.opening.is_clan else (asked, {})


@dataclass(frozen=True, slots=True)
class Taking:
    """A step that is to be taken in a window."""

    chain: Chain
    step: Step
    window_start: datetime

    @property
    def key(self) -> tuple[int, int, datetime]:
        """What tells it apart from all that one player takes."""
        return self.chain.chain_id, self.step.step_id, self.window_start

    def source(self, player_id: UUID) -> str:
        """What its grant is written under."""
        return source_of(self.chain.chain_id, self.window_start, self.step.step_id, player_id)


async def take_steps(
    db: Session,
    shop: Shop,
    takings: Sequence[Taking],
    *,
    player_id: UUID,
    attributes: Attributes | None,
    now: datetime,
) -> list[Taking]:
    """Note that a player has taken steps of chains of one project and give what they give, in the caller's transaction;
    those that were not taken before. What the player can own once and owns stays as it is."""
    assert db.in_transaction, "steps are taken with what they give"
    first = [
        taking
        for taking in takings
        if await add_claim(
            db,
            taking.chain.project_id,
            player_id,
            chain_id=taking.chain.chain_id,
            window_start=taking.window_start,
            step_id=taking.step.step_id,
            now=now,
        )
    ]
    if not first:
        return []
    project_id = first[0].chain.project_id
    contents = [(taking, content_of(shop, taking.step, attributes)) for taking in first]
    # All in one call: what players own is locked in one order.
    parcels = [Parcel(player_id, taking.source(player_id), (content,)) for taking, content in contents if content]
    if parcels:
        await give_parcels(db, project_id, parcels, now=now, keeps_owned=True)
    rows = [
        AccountRow(
            player_id,
            taking.source(player_id),
            chain_row(taking.chain.chain_id, taking.window_start, taking.step.step_id),
        )
        for taking in first
    ]
    await write_accounts(db, project_id=project_id, rows=rows, now=now)
    return first


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
