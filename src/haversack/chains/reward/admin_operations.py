"""The studio's operations on reward chains. v3 takes and answers what v2 does; its operations' names end so."""

from collections.abc import Callable
from typing import Any

from haversack.chains import actions
from haversack.chains.asking import AdminPage, ChainIdPath, list_asked_page
from haversack.chains.records import ChainKind
from haversack.chains.reward.actions import create_reward_chain, find_points, update_reward_chain
from haversack.chains.reward.wire.bodies import RewardChainBody, RewardChainUpdateBody
from haversack.chains.reward.wire.views import (
    ClanChainView,
    RewardChainIdView,
    RewardChainPageView,
    RewardChainView,
    chain_view,
    listed_view,
)
from haversack.errors import REWARD_CHAIN_NOT_FOUND, STORE
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.promotions.queries import find_skus

area = Area("reward-chain-value-points-admin", family=STORE, prefix="/api")

MISSING = (REWARD_CHAIN_NOT_FOUND,)


def _named(function: Callable[..., Any], name: str, version: str) -> Callable[..., Any]:
    """The function under an operation's name in a version of the wire."""
    function.__name__ = function.__qualname__ = f"admin_{name}{'_v3' if version == 'v3' else ''}"
    return function


def _declare_lists(version: str, root: str) -> None:
    async def get_page(call: AdminCall, page: AdminPage) -> RewardChainPageView:
        """Get a page of the reward chains, by their order; without their steps."""
        found, has_more = await list_asked_page(call, ChainKind.REWARD, page)
        points = await find_points(call.db, call.project_id, found)
        return RewardChainPageView(
            has_more=has_more,
            items=[listed_view(chain, points[chain.chain_id], call.now) for chain in found],
        )

    async def create(call: AdminCall, body: RewardChainBody) -> RewardChainIdView:
        """Create a reward chain that counts a value point, of players or of clans."""
        return RewardChainIdView(reward_chain_id=await create_reward_chain(call, body.draft()))

    area.get(root)(_named(get_page, "get_reward_chains", version))
    area.post(root, status=201, audit="reward chain created")(_named(create, "create_reward_chain", version))


def _declare_single(version: str, root: str) -> None:
    one = f"{root}/id/{{reward_chain_id}}"

    async def get(call: AdminCall, reward_chain_id: ChainIdPath) -> RewardChainView | ClanChainView:
        """Get a reward chain with its steps."""
        chain = await actions.get_chain(call.db, call.project_id, ChainKind.REWARD, reward_chain_id)
        points = await find_points(call.db, call.project_id, [chain])
        named = {reward.item_id for step in chain.steps for reward in step.rewards}
        skus = await find_skus(call.db, call.project_id, named)
        return chain_view(chain, points[chain.chain_id], skus, call.now)

    async def update(call: AdminCall, reward_chain_id: ChainIdPath, body: RewardChainUpdateBody) -> None:
        """Replace a reward chain. Players keep what they have taken of steps that keep their ids."""
        await update_reward_chain(call, reward_chain_id, body.draft())

    async def delete(call: AdminCall, reward_chain_id: ChainIdPath) -> None:
        """Delete a reward chain for good. Players keep what it gave, and their value points."""
        await actions.delete_chain(call, ChainKind.REWARD, reward_chain_id)

    area.get(one, errors=MISSING)(_named(get, "get_reward_chain", version))
    area.put(one, status=204, errors=MISSING, audit="reward chain replaced")(
        _named(update, "update_reward_chain", version)
    )
    area.delete(one, status=204, errors=MISSING, audit="reward chain deleted")(
        _named(delete, "delete_reward_chain", version)
    )


def _declare_switches(version: str, root: str) -> None:
    one = f"{root}/id/{{reward_chain_id}}"

    async def toggle(call: AdminCall, reward_chain_id: ChainIdPath) -> None:
        """Switch a reward chain on if it is off, and off if it is on."""
        await actions.toggle_chain(call, ChainKind.REWARD, reward_chain_id)

    async def reset(call: AdminCall, reward_chain_id: ChainIdPath) -> None:
        """Let every player begin a reward chain anew, with no value points of the kind that it counts."""
        await actions.reset_chain(call, ChainKind.REWARD, reward_chain_id)

    area.put(f"{one}/toggle", status=204, errors=MISSING, audit="reward chain switched")(
        _named(toggle, "toggle_reward_chain", version)
    )
    area.post(f"{one}/reset", status=204, errors=MISSING, audit="reward chain reset")(
        _named(reset, "reset_reward_chain", version)
    )


for _version in ("v2", "v3"):
    _root = f"/{_version}/project/{{project_id}}/admin/reward_chain"
    _declare_lists(_version, _root)
    _declare_single(_version, _root)
    _declare_switches(_version, _root)
