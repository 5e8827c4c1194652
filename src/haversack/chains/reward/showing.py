"""Which reward chains a player sees, how they are shown, and how the player stands with one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from haversack.catalog.selling import SellableItem, Shop, open_shop
from haversack.chains.actions import not_found
from haversack.chains.held import HeldChains, chains_of
from haversack.chains.pages import Reader, asked_of
from haversack.chains.queries.standing import PlayerState, read_player
from haversack.chains.records import Chain, ChainKind, Contributor, by_points
from haversack.chains.reward.encoding import Shown, fill, find_piece, schedule_text
from haversack.chains.rules import rewards_for, visible_chains
from haversack.http.calls import BuyerCall, GuestCall
from haversack.personalization.attributes import read_attributes
from haversack.personalization.records import Attributes


@dataclass(frozen=True, slots=True)
class Seen:
    """The reward chains that somebody sees, and whom they are shown to."""

    shop: Shop
    held: HeldChains
    chains: Sequence[Chain]
    attributes: Attributes | None
    now: datetime

    def find(self, chain_id: int) -> Chain:
        """One of them, or REWARD_CHAIN_NOT_FOUND."""
        found = next((chain for chain in self.chains if chain.chain_id == chain_id), None)
        if found is None:
            raise not_found(ChainKind.REWARD, self.shop.catalog.project_id, chain_id)
        return found


async def see_chains(call: GuestCall | BuyerCall) -> Seen:
    """The reward chains that the caller sees now. Attributes are asked for where something depends on them."""
    shop = await open_shop(call.context.catalogs, call.project_id)
    held = await chains_of(call.db, shop)
    # The chains may be newer than the catalog, which then does not know the point of a new one yet.
    chains = [
        chain
        for chain in held.of_kind(ChainKind.REWARD)
        if shop.find_by_id(by_points(chain).value_point_id) is not None
    ]
    attributes = None
    if call.player is not None:
        is_personal = any(chain.conditions or chain.chain_id in held.with_personal_rewards for chain in chains)
        attributes = await read_attributes(call.db, call.project_id, call.player) if is_personal else {}
    return Seen(shop, held, visible_chains(chains, attributes, call.now), attributes, call.now)


def encode_chain(chain: Chain, state: PlayerState, reader: Reader) -> bytes:
    """A chain on a reader's page."""
    shown: Shown | None = None
    if chain.chain_id in reader.held.with_personal_rewards:
        shown = tuple(tuple(rewards_for(step, reader.attributes)) for step in chain.steps)
    point = by_points(chain).value_point_id
    progress = state.progress.get(chain.chain_id)
    return fill(
        find_piece(reader.shop, chain, reader.language, shown),
        points=state.points.get(point, 0),
        claimed=() if progress is None else progress.claimed,
        top=state.top.get(point, ()),
        schedule=schedule_text(chain, reader.held.window_of(chain, reader.now).next),
    )


async def read_points(call: BuyerCall, chain_id: int) -> tuple[SellableItem, int]:
    """The value point of a chain that the player sees, and how many of it there are, or REWARD_CHAIN_NOT_FOUND."""
    seen = await see_chains(call)
    chain = seen.find(chain_id)
    state = await read_player(call.db, call.project_id, call.player_id, asked_of(seen.held, [chain], call.now))
    point = seen.shop.find_by_id(by_points(chain).value_point_id)
    assert point is not None, "chains whose point is not known yet are not seen"
    return point, state.points.get(point.item_id, 0)


async def list_top_contributors(call: BuyerCall, chain_id: int) -> list[Contributor]:
    """The members of the player's clan who brought the most to a chain, or REWARD_CHAIN_NOT_FOUND; nobody without a
    clan."""
    seen = await see_chains(call)
    chain = seen.find(chain_id)
    asked = asked_of(seen.held, [chain], call.now, call.player.login_project_id)
    state = await read_player(call.db, call.project_id, call.player_id, asked)
    return state.top.get(by_points(chain).value_point_id, [])
