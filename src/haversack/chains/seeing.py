"""Which chains a player sees, and how the player stands with them: two queries, however many chains there are."""

from collections.abc import Sequence

from haversack.catalog.selling import Shop
from haversack.chains.actions import not_found
from haversack.chains.held import chains_of
from haversack.chains.queries.claims import list_progress
from haversack.chains.records import Chain, ChainKind, Standing
from haversack.chains.rules import chain_window, standing_of, visible_chains
from haversack.http.calls import BuyerCall, GuestCall
from haversack.personalization.attributes import read_attributes


async def list_seen(call: GuestCall | BuyerCall, shop: Shop, kind: ChainKind) -> list[Chain]:
    """The chains of a kind that the caller sees now, in order. Attributes are asked for where a chain depends on
    them."""
    chains = (await chains_of(call.db, shop)).of_kind(kind)
    is_personal = any(chain.conditions for chain in chains)
    attributes = await read_attributes(call.db, call.project_id, call.player) if is_personal else None
    return visible_chains(chains, attributes, call.now)


async def see_chain(call: GuestCall | BuyerCall, shop: Shop, kind: ChainKind, chain_id: int) -> Chain:
    """One of them, or the kind's not-found."""
    seen = await list_seen(call, shop, kind)
    found = next((chain for chain in seen if chain.chain_id == chain_id), None)
    if found is None:
        raise not_found(kind, call.project_id, chain_id)
    return found


async def read_standings(call: GuestCall | BuyerCall, chains: Sequence[Chain]) -> list[Standing]:
    """How the caller stands with each of the chains; who is not signed in has taken nothing."""
    if call.player is None:
        return [standing_of(chain, None, call.now) for chain in chains]
    starts = {chain.chain_id: chain_window(chain, call.now).start for chain in chains}
    progress = await list_progress(call.db, call.project_id, call.player.player_id, starts)
    return [standing_of(chain, progress.get(chain.chain_id), call.now) for chain in chains]
