"""The studio's operations on daily chains."""

from haversack.catalog.items.queries import list_items_by_ids
from haversack.chains import actions
from haversack.chains.asking import AdminPage, ChainIdPath, list_asked_page
from haversack.chains.daily import actions as daily_actions
from haversack.chains.daily.wire import (
    DailyChainBody,
    DailyChainPageView,
    DailyChainShortView,
    DailyChainUpdateBody,
    DailyChainView,
)
from haversack.chains.records import ChainKind
from haversack.chains.wire import ChainIdView
from haversack.errors import CHAIN_ACTIVE, CHAIN_NOT_FOUND, CHAIN_NOT_ROLLING, CHAINS
from haversack.http.area import Area
from haversack.http.calls import AdminCall

area = Area("daily-chain-admin", family=CHAINS, prefix="/api/v2/project/{project_id}/admin/daily_chain")


@area.get("")
async def admin_get_daily_chains(call: AdminCall, page: AdminPage) -> DailyChainPageView:
    """Get a page of the daily chains, by their order."""
    found, has_more = await list_asked_page(call, ChainKind.DAILY, page)
    return DailyChainPageView(
        has_more=has_more,
        items=[DailyChainShortView.of(chain) for chain in found],
    )


@area.post("", status=201, audit="daily chain created")
async def admin_create_daily_chain(call: AdminCall, body: DailyChainBody) -> ChainIdView:
    """Create a daily chain."""
    return ChainIdView(id=await actions.create_chain(call, body.draft()))


@area.get("/id/{daily_chain_id}", errors=(CHAIN_NOT_FOUND,))
async def admin_get_daily_chain(call: AdminCall, daily_chain_id: ChainIdPath) -> DailyChainView:
    """Get a daily chain with its steps."""
    chain = await actions.get_chain(call.db, call.project_id, ChainKind.DAILY, daily_chain_id)
    items = await list_items_by_ids(call.db, call.project_id, chain.item_ids)
    return DailyChainView.of_whole(chain, {item.item_id: item for item in items})


@area.put(
    "/id/{daily_chain_id}",
    status=204,
    errors=(CHAIN_NOT_FOUND, CHAIN_ACTIVE),
    audit="daily chain replaced",
)
async def admin_update_daily_chain(call: AdminCall, daily_chain_id: ChainIdPath, body: DailyChainUpdateBody) -> None:
    """Replace a daily chain that is switched off. Players keep what they have claimed of steps that keep their ids."""
    draft = body.draft(daily_chain_id)
    await actions.update_chain(call, ChainKind.DAILY, daily_chain_id, draft, only_switched_off=True)


@area.delete("/id/{daily_chain_id}", status=204, errors=(CHAIN_NOT_FOUND,), audit="daily chain deleted")
async def admin_delete_daily_chain(call: AdminCall, daily_chain_id: ChainIdPath) -> None:
    """Delete a daily chain for good. Players keep what it gave."""
    await actions.delete_chain(call, ChainKind.DAILY, daily_chain_id)


@area.post(
    "/id/{daily_chain_id}/reset",
    status=204,
    errors=(CHAIN_NOT_FOUND, CHAIN_NOT_ROLLING),
    audit="daily chain reset for all players",
)
async def admin_reset_daily_chain(call: AdminCall, daily_chain_id: ChainIdPath) -> None:
    """Let all players begin a rolling chain anew."""
    await daily_actions.reset_rolling_chain(call, daily_chain_id)


@area.put("/id/{daily_chain_id}/toggle", status=204, errors=(CHAIN_NOT_FOUND,), audit="daily chain switched")
async def admin_toggle_daily_chain(call: AdminCall, daily_chain_id: ChainIdPath) -> None:
    """Switch a daily chain on if it is off, and off if it is on."""
    await actions.toggle_chain(call, ChainKind.DAILY, daily_chain_id)
