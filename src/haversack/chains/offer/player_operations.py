"""Offer chains as players see them, and how players take their steps."""

from starlette.responses import Response

from haversack.catalog.selling import open_shop
from haversack.chains.answering import ChainLists
from haversack.chains.asking import ChainIdPath, Page, Read, StepNumberPath
from haversack.chains.claiming import refuse_claimed
from haversack.chains.offer import actions
from haversack.chains.offer.encoding import Reader, encode_chain
from haversack.chains.offer.wire import ClientOfferChainPageView, ClientOfferChainView
from haversack.chains.pages import Reader as PageReader
from haversack.chains.pieces import chain_answer
from haversack.chains.queries.standing import PlayerState
from haversack.chains.records import Chain, ChainKind
from haversack.chains.rules import standing_of
from haversack.chains.seeing import read_standing, see_chain
from haversack.errors import (
    CHAIN_NOT_FOUND,
    CHAIN_STEP_FREE,
    CHAIN_STEP_NOT_OPEN,
    CHAIN_STEP_PAID,
    CHAINS,
    REWARD_CLAIMED,
)
from haversack.http.area import Area
from haversack.http.calls import BuyerCall, GuestCall
from haversack.orders.checkout import order_for_free
from haversack.orders.gates import through_player_gate
from haversack.orders.player_operations import FREE_ERRORS, MONEY_ERRORS, country_of, tell_of
from haversack.orders.preparing import Checkout
from haversack.orders.wire import OrderIdView
from haversack.payments.player_operations import order_for_token
from haversack.payments.wire.orders import CartOrderBody, OrderTokenView

area = Area("offer-chain-client", family=CHAINS, prefix="/api/v2/project/{project_id}/user/offer_chain")

PAGE_MAX = 30
STEP_ERRORS = (CHAIN_NOT_FOUND, CHAIN_STEP_NOT_OPEN, REWARD_CLAIMED)


def _encode(chain: Chain, state: PlayerState, reader: PageReader) -> bytes:
    standing = standing_of(chain, state.progress.get(chain.chain_id), reader.now)
    return encode_chain(chain, standing, Reader(reader.shop, reader.country, reader.language, reader.now))


_lists = ChainLists(ChainKind.OFFER, _encode, has_prices=True)


@area.get("", answer=ClientOfferChainPageView, hot=_lists.answer_hot)
async def get_offer_chains_list(call: GuestCall, page: Page) -> Response:
    """List the offer chains that the player sees; who is not signed in sees all of them, as one who has done
    nothing."""
    return await _lists.answer(call, page.ask(PAGE_MAX))


@area.get("/{offer_chain_id}", errors=(CHAIN_NOT_FOUND,), answer=ClientOfferChainView)
async def get_user_offer_chain_by_id(call: GuestCall, offer_chain_id: ChainIdPath, read: Read) -> Response:
    """Show an offer chain and how far the player has come in it."""
    shop = await open_shop(call.context.catalogs, call.project_id)
    chain = await see_chain(call, shop, ChainKind.OFFER, offer_chain_id)
    reader = Reader(shop, country_of(call), read.language, call.now)
    return chain_answer(encode_chain(chain, await read_standing(call, chain), reader))


@area.post("/{offer_chain_id}/step/number/{step_number}/claim", errors=(*STEP_ERRORS, CHAIN_STEP_PAID, *FREE_ERRORS))
async def claim_user_offer_chain_step_reward(
    call: BuyerCall, offer_chain_id: ChainIdPath, step_number: StepNumberPath
) -> OrderIdView:
    """Take the free step that is open. Its item is given at once, by an order that costs nothing."""
    async with through_player_gate(call.db, call.project_id, call.player_id):
        shop = await open_shop(call.context.catalogs, call.project_id)
        await refuse_claimed(call, shop, ChainKind.OFFER, offer_chain_id, number=step_number)
        async with call.db.begin():
            chain_step, wanted = await actions.open_free_step(call, offer_chain_id, step_number)
            checkout = Checkout(
                project=call.project,
                player=call.player,
                wanted=wanted,
                country=country_of(call),
                is_sandbox=call.project.is_sandbox,
                chain_step=chain_step,
            )
            order = await order_for_free(call.context, call.db, checkout)
    return tell_of(call, order)


@area.post("/{offer_chain_id}/step/number/{step_number}/order", errors=(*STEP_ERRORS, CHAIN_STEP_FREE, *MONEY_ERRORS))
async def order_user_offer_chain_step_reward(
    call: BuyerCall, offer_chain_id: ChainIdPath, step_number: StepNumberPath, body: CartOrderBody | None = None
) -> OrderTokenView:
    """Order the paid step that is open. The token opens the payment page for it, for 24 hours; the step is done when
    the order is paid."""
    async with through_player_gate(call.db, call.project_id, call.player_id), call.db.begin():
        chain_step, wanted = await actions.open_paid_step(call, offer_chain_id, step_number)
        return await order_for_token(call, body or CartOrderBody(), wanted, chain_step=chain_step)
