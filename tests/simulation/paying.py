"""Payments and refunds of a simulated studio: test cards on the payment page stand in for money."""

from datetime import timedelta
from typing import Any

from make.orders import Buyer
from make.payment_page import card_form
from make.payments import DECLINED, LATE, LOST_ANSWER, SUCCESS, TWICE
from simulation import books as rules
from simulation.books import Bought
from simulation.life import Life

CARDS = (SUCCESS, TWICE, DECLINED, LATE, LOST_ANSWER)
SETTLES_AFTER = timedelta(seconds=10)
PROCESSING = "2"


async def pay_something(life: Life, _: Buyer) -> None:
    """Somebody pays an order that waits."""
    payable = [order for order in life.books.orders.values() if life.is_payable(order)]
    if payable:
        await pay(life, life.chance.choice(payable), any_card(life))


async def buy_for_money(life: Life, buyer: Buyer) -> None:
    """A player orders something and pays it at once."""
    order = await life.order_money(buyer)
    if order is not None and life.is_payable(order):
        await pay(life, order, any_card(life))


def any_card(life: Life) -> str:
    """A card that is taken, mostly."""
    return life.chance.choices(CARDS, (10, 2, 2, 2, 1))[0]


async def pay_at_the_last_moment(life: Life, _: Buyer) -> None:
    """An order is paid seconds before its end, and the money is there seconds after it."""
    payable = [order for order in life.books.orders.values() if life.is_payable(order)]
    if not payable:
        return
    order = life.chance.choice(payable)
    moment = order.made_at + rules.PAYABLE_FOR - timedelta(seconds=5)
    if moment > life.now:
        await life.jump_to(moment)
    if life.is_payable(order):
        await pay(life, order, LATE)
        await life.jump_to(life.now + timedelta(minutes=life.chance.randint(1, 90)))


async def pay(life: Life, order: Bought, card: str) -> None:
    """Pay an order on its page."""
    assert order.token is not None
    plan = life.talk.any_plan()
    reply = await life.talk.send("POST", "/paystation4/pay", plan=plan, data=card_form(order.token, card))
    if reply is None or reply.status_code == 303:
        order.tried_at = life.now
    else:
        assert reply.status_code == 402 and card == DECLINED, f"{reply.status_code} {reply.text[-3000:]}"
    await read_payment(life, order, is_late=card == LATE)
    mine = [each for each in life.books.orders.values() if each.player_id == order.player_id and each.state == "new"]
    # The paid one first: it has ended the player's others for the same items.
    await life.sync(*sorted(mine, key=lambda each: each is not order))
    if reply is not None and reply.status_code == 303 and card in (SUCCESS, TWICE):
        assert order.state in ("paid", "done"), f"order {order.order_id} was paid and is {order.state}"
    if card == DECLINED and order.tried_at is not None:
        order.tried_at = None if order.state == "new" and reply is not None else order.tried_at


async def read_payment(life: Life, order: Bought, *, is_late: bool) -> None:
    """Note the number of the payment, and whether it waits for its provider."""
    path = "/paystation2/api/payments/status"
    reply = await life.talk.send("GET", path, params={"access_token": order.token})
    assert reply is not None and reply.status_code == 200, reply
    invoices = reply.json()["invoices_data"]
    if invoices:
        order.payment_id = invoices[0]["invoice_id"]
        if is_late and invoices[0]["status"] == PROCESSING:
            order.settles_at = life.now + SETTLES_AFTER


async def refund_something(life: Life, _: Buyer) -> None:
    """The studio gives the money of an order back."""
    paid = [order for order in life.books.orders.values() if order.state in ("paid", "done") and order.payment_id]
    if not paid:
        return
    # Mostly the newest, whose windows still count.
    order, studio = paid[-1] if life.chance.random() < 0.6 else life.chance.choice(paid), life.shop.studio
    path = f"/merchant/v2/merchants/{studio.merchant_id}/reports/transactions/{order.payment_id}/refund"
    life.keys += 1
    options: dict[str, Any] = {
        "json": {"description": "the player asked for it"},
        "auth": studio.basic,
        "headers": {"Idempotency-Key": f"{life.seed}-{life.keys}"},
    }
    # One that was asked for and is not given yet counts as given: there is nothing left to ask for.
    may = None if order.is_refund_asked is None else not order.is_refund_asked
    order.is_refund_asked = None
    reply = await life.talk.send("PUT", path, plan=life.talk.any_plan(), **options)
    was_broken = reply is None
    if was_broken and life.chance.random() < 0.7:
        reply = await life.talk.send("PUT", path, **options)
        assert reply is not None
        if reply.status_code == 409:
            reply = None  # a key whose request was ended is kept for it for a while
    if reply is not None:
        assert may is None or reply.is_success == may, f"{reply.status_code} {reply.text}"
        order.is_refund_asked = True
    await life.sync(order)
    if reply is not None and may and not was_broken:
        assert order.state == "canceled", f"order {order.order_id} was refunded and is {order.state}"
        await life.look(life.buyer_of(order))
