"""The studio's operations on offer chains."""

from haversack.catalog.items.queries import list_items_by_ids
from haversack.chains import actions
from haversack.chains.asking import AdminPage, ChainIdPath, list_asked_page
from haversack.chains.offer.wire import (
    OfferChainBody,
    OfferChainPageView,
    OfferChainShortView,
    OfferChainUpdateBody,
    OfferChainView,
)
from haversack.chains.records import ChainKind
from haversack.chains.wire import ChainIdView
from haversack.errors import CHAIN_ACTIVE, CHAIN_NOT_FOUND, CHAINS
from haversack.http.area import Area
from haversack.http.calls import AdminCall

area = Area("offer-chain-admin", family=CHAINS, prefix="/api/v2/project/{project_id}/admin/offer_chain")


@area.get("")
async def admin_get_offer_chains(call: AdminCall, page: AdminPage) -> OfferChainPageView:
    """Get a page of the offer chains, by their order."""
    found, has_more = await list_asked_page(call, ChainKind.OFFER, page)
    return OfferChainPageView(
        has_more=has_more,
        items=[OfferChainShortView.of(chain, call.now) for chain in found],
    )


@area.post("", status=201, audit="offer chain created")
async def admin_create_offer_chain(call: AdminCall, body: OfferChainBody) -> ChainIdView:
    """Create an offer chain."""
    return ChainIdView(id=await actions.create_chain(call, body.draft()))


@area.get("/id/{offer_chain_id}", errors=(CHAIN_NOT_FOUND,))
async def admin_get_offer_chain(call: AdminCall, offer_chain_id: ChainIdPath) -> OfferChainView:
    """Get an offer chain with its steps."""
    chain = await actions.get_chain(call.db, call.project_id, ChainKind.OFFER, offer_chain_id)
    items = await list_items_by_ids(call.db, call.project_id, chain.item_ids)
    return OfferChainView.of_whole(chain, {item.item_id: item for item in items}, call.now)


@area.put("/id/{offer_chain_id}", status=204, errors=(CHAIN_NOT_FOUND, CHAIN_ACTIVE), audit="offer chain replaced")
async def admin_update_offer_chain(call: AdminCall, offer_chain_id: ChainIdPath, body: OfferChainUpdateBody) -> None:
    """Replace an offer chain that is switched off. Players stay done with steps that keep their ids."""
    draft = body.draft(offer_chain_id)
    await actions.update_chain(call, ChainKind.OFFER, offer_chain_id, draft, only_switched_off=True)


@area.delete("/id/{offer_chain_id}", status=204, errors=(CHAIN_NOT_FOUND,), audit="offer chain deleted")
async def admin_delete_offer_chain(call: AdminCall, offer_chain_id: ChainIdPath) -> None:
    """Delete an offer chain for good. Players keep what it gave."""
    await actions.delete_chain(call, ChainKind.OFFER, offer_chain_id)


@area.put("/id/{offer_chain_id}/toggle", status=204, errors=(CHAIN_NOT_FOUND,), audit="offer chain switched")
async def admin_toggle_offer_chain(call: AdminCall, offer_chain_id: ChainIdPath) -> None:
    """Switch an offer chain on if it is off, and off if it is on."""
    await actions.toggle_chain(call, ChainKind.OFFER, offer_chain_id)
