"""Reward chains as players see and claim them, alone and as members of a clan."""

from starlette.responses import Response

from haversack.chains.answering import ChainLists
from haversack.chains.asking import ChainIdPath, Page, Read, StepIdPath
from haversack.chains.claiming import claim_step
from haversack.chains.records import ChainKind
from haversack.chains.reward.actions import update_clan
from haversack.chains.reward.encoding import point_value, reward_value
from haversack.chains.reward.showing import encode_chain, list_top_contributors, read_points
from haversack.chains.reward.wire.player_views import (
    BalanceView,
    ClientRewardChainPageView,
    LeftRewardsView,
    LeftRewardView,
)
from haversack.chains.reward.wire.views import ContributorView
from haversack.errors import (
    OWNED_TOO_MANY,
    REWARD_CHAIN_NOT_FOUND,
    REWARD_CLAIMED,
    REWARD_STEP_NOT_FOUND,
    STORE,
    VALUE_POINTS_TOO_FEW,
)
from haversack.http.area import Area
from haversack.http.calls import BuyerCall, GuestCall

reward_area = Area("reward-chain-client", family=STORE, prefix="/api/v2/project/{project_id}/user/reward_chain")
clan_area = Area("clan-reward-chain-client", family=STORE, prefix="/api/v2/project/{project_id}/user/clan")

PAGE_MAX = 50


_lists = ChainLists(ChainKind.REWARD, encode_chain, tail=b'],"recurrent_schedule":null}')


@reward_area.get("", answer=ClientRewardChainPageView, hot=_lists.answer_hot)
async def get_reward_chains_list(call: GuestCall, page: Page) -> Response:
    """List the reward chains that run. Who is not signed in sees them without progress."""
    return await _lists.answer(call, page.ask(PAGE_MAX))


@reward_area.get("/{reward_chain_id}/balance", errors=(REWARD_CHAIN_NOT_FOUND,))
async def get_user_reward_chain_balance(call: BuyerCall, reward_chain_id: ChainIdPath, read: Read) -> BalanceView:
    """Show how many value points the player, or the player's clan, has for a reward chain."""
    point, amount = await read_points(call, reward_chain_id)
    return BalanceView(**point_value(point, read.language, amount))


@reward_area.post(
    "/{reward_chain_id}/step/{step_id}/claim",
    status=204,
    errors=(REWARD_CHAIN_NOT_FOUND, REWARD_STEP_NOT_FOUND, REWARD_CLAIMED, VALUE_POINTS_TOO_FEW, OWNED_TOO_MANY),
)
async def claim_user_reward_chain_step_reward(
    call: BuyerCall, reward_chain_id: ChainIdPath, step_id: StepIdPath
) -> None:
    """Take what a step gives that the player's value points, or those of the clan, have opened."""
    await claim_step(call, ChainKind.REWARD, reward_chain_id, step_id=step_id)


@clan_area.get("/contributors/{reward_chain_id}/top", errors=(REWARD_CHAIN_NOT_FOUND,))
async def get_user_clan_top_contributors(call: BuyerCall, reward_chain_id: ChainIdPath) -> list[ContributorView]:
    """List the ten members of the player's clan who brought the most value points to a chain."""
    found = await list_top_contributors(call, reward_chain_id)
    return [ContributorView(name=each.name, contributed_amount=each.amount) for each in found]


@clan_area.put("/update", errors=(OWNED_TOO_MANY,))
async def user_clan_update(call: BuyerCall, read: Read) -> LeftRewardsView:
    """Read the player's clan anew from the player's attributes, and give what the old clan had left."""
    left = await update_clan(call)
    return LeftRewardsView(
        reward=[
            LeftRewardView(
                bundle_type=each.item.kind.bundle_type, **reward_value(each.item, each.quantity, read.language)
            )
            for each in left
        ]
    )
