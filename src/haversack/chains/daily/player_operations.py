"""Daily chains as players see and claim them."""

from starlette.responses import Response

from haversack.catalog.selling import open_shop
from haversack.chains.answering import ChainLists
from haversack.chains.asking import ChainIdPath, Page, Read, StepNumberPath
from haversack.chains.claiming import claim_step
from haversack.chains.daily.encoding import encode_chain
from haversack.chains.daily.wire import ClientDailyChainPageView, ClientDailyChainView
from haversack.chains.pages import Reader
from haversack.chains.pieces import chain_answer
from haversack.chains.queries.standing import PlayerState
from haversack.chains.records import Chain, ChainKind
from haversack.chains.rules import standing_of
from haversack.chains.seeing import read_standing, see_chain
from haversack.errors import (
    CHAIN_NOT_FOUND,
    CHAIN_STEP_NOT_OPEN,
    CHAINS,
    KEYS_TOO_FEW,
    OWNED_TOO_MANY,
    REWARD_CLAIMED,
)
from haversack.http.area import Area
from haversack.http.calls import BuyerCall, GuestCall

area = Area("daily-chain-client", family=CHAINS, prefix="/api/v2/project/{project_id}/user/daily_chain")

PAGE_MAX = 50


def _encode(chain: Chain, state: PlayerState, reader: Reader) -> bytes:
    standing = standing_of(chain, state.progress.get(chain.chain_id), reader.now)
    return encode_chain(chain, standing, reader.shop, reader.now, reader.language)


_lists = ChainLists(ChainKind.DAILY, _encode)


@area.get("", answer=ClientDailyChainPageView, hot=_lists.answer_hot)
async def get_daily_chains_list(call: GuestCall, page: Page) -> Response:
    """List the daily chains that run. Who is not signed in sees them as one who has claimed nothing."""
    return await _lists.answer(call, page.ask(PAGE_MAX))


@area.get("/{daily_chain_id}", errors=(CHAIN_NOT_FOUND,), answer=ClientDailyChainView)
async def get_user_daily_chain_by_id(call: GuestCall, daily_chain_id: ChainIdPath, read: Read) -> Response:
    """Show a daily chain and how its days stand with the player."""
    shop = await open_shop(call.context.catalogs, call.project_id)
    chain = await see_chain(call, shop, ChainKind.DAILY, daily_chain_id)
    standing = await read_standing(call, chain)
    return chain_answer(encode_chain(chain, standing, shop, call.now, read.language))


@area.post(
    "/{daily_chain_id}/step/number/{step_number}/claim",
    status=204,
    errors=(CHAIN_NOT_FOUND, CHAIN_STEP_NOT_OPEN, REWARD_CLAIMED, KEYS_TOO_FEW, OWNED_TOO_MANY),
)
async def claim_user_daily_chain_step_reward(
    call: BuyerCall, daily_chain_id: ChainIdPath, step_number: StepNumberPath
) -> None:
    """Claim what a day gives, on the day."""
    await claim_step(call, ChainKind.DAILY, daily_chain_id, number=step_number)
