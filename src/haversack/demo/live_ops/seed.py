"""Brings live-ops into the demo project, by the actions that a studio's calls use, all of it or nothing."""

import logging
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from starlette.requests import Request

from haversack.catalog.items.actions import create_item
from haversack.catalog.value_points.actions import set_rewards
from haversack.chains.actions import create_chain
from haversack.chains.reward.actions import create_reward_chain
from haversack.context import Context
from haversack.demo.live_ops import chains
from haversack.demo.live_ops.promotions import PROMOTIONS, RANK, RULE, UPSELL_SKUS
from haversack.demo.queries import has_ever_had
from haversack.errors import PROMOTION_NOT_FOUND, Refusal
from haversack.http.calls import AdminCall
from haversack.login.actions.attributes import save_attributes
from haversack.login.queries.players import lock_player
from haversack.personalization.actions import create_rule
from haversack.projects.records import Project
from haversack.promotions.actions import create_promotion
from haversack.promotions.codes.actions import add_code
from haversack.upsell.actions import save_upsell
from haversack.upsell.records import UpsellType

log = logging.getLogger(__name__)


async def add_live_ops(context: Context, project: Project, player_id: UUID, picture: Callable[[str], str]) -> None:
    """Give the demo its live-ops, once: what was changed or deleted since stays so. picture: an address by a file's
    name."""
    call = _call(context, project)
    # All is written in one transaction, so that one of its rows speaks for all; a SKU stays taken for good.
    if await has_ever_had(call.db, project.project_id, chains.POINTS.sku):
        return
    try:
        async with call.db.begin():
            await _add_promotions(call)
            await _add_chains(call, picture)
            await _show_to_keepers(call, player_id)
            await save_upsell(call, UpsellType.FIXED_LIST, is_enabled=True, skus=UPSELL_SKUS)
    except Refusal as refusal:
        # A demo from before there were live-ops, whose developer has deleted an item or given a code away.
        faults = ", ".join(f"{fault.property}: {fault.message}" for fault in refusal.faults)
        log.warning("The demo project goes without live-ops: %s %s", refusal.message, faults)
        return
    for done in call.after_commit:
        done()


def _call(context: Context, project: Project) -> AdminCall:
    """A call that nobody makes: of their caller, actions need the project, its time and the database."""
    return AdminCall(
        context=context,
        db=context.database.session(),
        request_id=context.new_request_id(),
        client_ip="",
        request=Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}),
        project=project,
        key_id=0,
    )


async def _add_promotions(call: AdminCall) -> None:
    for each in PROMOTIONS:
        await create_promotion(call, each.draft)
        if each.code is not None:
            assert each.draft.external_id is not None, "codes are added by it"
            await add_code(call, each.draft.kind, each.draft.external_id, each.code, missing=PROMOTION_NOT_FOUND)


async def _add_chains(call: AdminCall, picture: Callable[[str], str]) -> None:
    points = chains.POINTS
    assert points.image_url is not None
    await create_item(call, replace(points, image_url=picture(points.image_url)))
    await set_rewards(call, points.sku, chains.POINTS_OF_ITEMS, keeps_others=False)
    await create_reward_chain(call, chains.reward_chain(call.now, picture))
    await create_chain(call, chains.daily_chain(call.now))
    await create_chain(call, chains.offer_chain(call.now))


async def _show_to_keepers(call: AdminCall, player_id: UUID) -> None:
    await create_rule(call, RULE)
    player = await lock_player(call.db, call.project.login_project_id, player_id)
    if player is not None:  # deleted from an older demo
        await save_attributes(call.db, player, call.project_id, [RANK], now=call.now)
