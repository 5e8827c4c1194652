"""Whether a player sees a chain, and how the player stands with it."""

from haversack.catalog.selling import Shop
from haversack.chains.actions import not_found
from haversack.chains.held import chains_of
from haversack.chains.queries.claims import list_progress
from haversack.chains.records import Chain, ChainKind, Standing
from haversack.chains.rules import chain_window, standing_of, visible_chains
from haversack.http.calls import BuyerCall, GuestCall
from haversack.personalization.attributes import read_attributes


async def see_chain(call: GuestCall | BuyerCall, shop: Shop, kind: ChainKind, chain_id: int) -> Chain:
    """A chain that the caller sees now, or its kind's not-found. Attributes are asked for where a chain depends on
    them."""
    chains = (await chains_of(call.db, shop)).of_kind(kind)
    is_personal = any(chain.conditions for chain in chains)
    attributes = await read_attributes(call.db, call.project_id, call.player) if is_personal else None
    seen = visible_chains(chains, attributes, call.now)
    found = next((chain for chain in seen if chain.chain_id == chain_id), None)
    if found is None:
        raise not_found(kind, call.project_id, chain_id)
    return found


async def read_standing(call: GuestCall | BuyerCall, chain: Chain) -> Standing:
    """How the caller stands with a chain; who is not signed in has taken nothing."""
    if call.player is None:
        return standing_of(chain, None, call.now)
    start = chain_window(chain, call.now).start
    progress = await list_progress(call.db, call.project_id, call.player.player_id, {chain.chain_id: start})
    return standing_of(chain, progress.get(chain.chain_id), call.now)
