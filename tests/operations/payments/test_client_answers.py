"""What clients ask of a payment with its token: where it stands, and what its page is about."""

from datetime import timedelta

import httpx
import pytest

from haversack.payments import paying
from haversack.payments.outcomes import Done, ThreeDSecure
from make.orders import Buyer
from make.payments import CHALLENGED, DECLINED, NEVER, Purchase, make_payable, move_clock, pay_by, payment_path, refund
from make.projects import Studio

STATUS = "/paystation2/api/payments/status"
CONFIG = "/paystation2/api/utils"


async def statuses(client: httpx.AsyncClient, purchase: Purchase) -> list[str]:
    """Where the payments of a purchase stand."""
    reply = await client.get(STATUS, params={"access_token": purchase.token})
    assert reply.status_code == 200, reply.text
    return [invoice["status"] for invoice in reply.json()["invoices_data"]]


async def test_get_payment_status(client: httpx.AsyncClient, studio: Studio, purchase: Purchase) -> None:
    assert await statuses(client, purchase) == []
    asked = await purchase.pay(CHALLENGED)
    assert isinstance(asked, ThreeDSecure)
    assert await statuses(client, purchase) == ["2"]
    await paying.cancel(studio.context, await purchase.open())
    assert await statuses(client, purchase) == ["4"]
    await purchase.pay(DECLINED)
    assert await statuses(client, purchase) == ["5", "4"]
    done = await purchase.pay()
    assert isinstance(done, Done)
    # What counts is told first.
    reply = await client.get(STATUS, params={"access_token": purchase.token})
    assert reply.json()["invoices_data"][0] == {
        "invoice_id": done.payment.payment_id,
        "status": "3",
        "order_id": purchase.order_id,
    }
    await refund(client, studio, done.payment.payment_id, 1)
    assert (await statuses(client, purchase))[0] == "16"
    await refund(client, studio, done.payment.payment_id)
    assert (await statuses(client, purchase))[0] == "7"


async def test_get_payment_page_config(client: httpx.AsyncClient, studio: Studio, purchase: Purchase) -> None:
    reply = await client.get(CONFIG, params={"access_token": purchase.token})
    assert reply.status_code == 200, reply.text
    assert reply.json() == {
        "project_id": studio.project_id,
        "sandbox": True,
        "user": {"id": str(purchase.buyer.player_id), "country": None},
        "purchase": {"order_id": purchase.order_id, "amount": "9.99", "currency": "USD"},
        "settings": {"language": "en"},
        "payment_methods": [1380, 24, 3431, 3175],
    }


async def test_the_method_that_was_asked_for_stands_first(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    purchase = await make_payable(client, buyer, settings={"payment_method": 24})
    session = await purchase.open()
    assert [method.code for method in session.methods] == [24, 1380, 3431, 3175]


@pytest.mark.parametrize("path", [STATUS, CONFIG])
@pytest.mark.parametrize("token", ["x" * 32, "short", "a.b.c", "", "ö" * 32])
async def test_unknown_tokens(client: httpx.AsyncClient, path: str, token: str) -> None:
    reply = await client.get(path, params={"access_token": token})
    assert reply.status_code == 404
    [error] = reply.json()["errors"]
    assert set(error) == {"message", "support_code"}


@pytest.mark.parametrize("path", [STATUS, CONFIG])
async def test_tokens_end_after_a_day(client: httpx.AsyncClient, studio: Studio, purchase: Purchase, path: str) -> None:
    await move_clock(studio, timedelta(hours=23, minutes=59))
    assert (await client.get(path, params={"access_token": purchase.token})).status_code == 200
    await move_clock(studio, timedelta(minutes=2))
    assert (await client.get(path, params={"access_token": purchase.token})).status_code == 404


async def test_a_token_is_needed(client: httpx.AsyncClient) -> None:
    reply = await client.get(STATUS)
    assert reply.status_code == 422
    assert "access_token" in reply.json()["errors"][0]["message"]


async def test_a_pending_payment_is_processing(client: httpx.AsyncClient, purchase: Purchase) -> None:
    await purchase.pay(NEVER)
    assert await statuses(client, purchase) == ["2"]


async def test_a_purchase_without_an_order_has_invoices_too(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    body = {"sandbox": True, "purchase": {"checkout": {"amount": "1.50", "currency": "EUR"}}}
    made = await client.post(payment_path(studio, ""), json=body, headers=buyer.headers)
    token = made.json()["token"]
    session = await paying.open_session(studio.context, token)
    outcome = await pay_by(studio.context, session)
    assert isinstance(outcome, Done)
    reply = await client.get(STATUS, params={"access_token": token})
    [invoice] = reply.json()["invoices_data"]
    assert invoice == {"invoice_id": outcome.payment.payment_id, "status": "3", "order_id": None}
