"""The payment page over HTTP, without a script: what it shows, what it refuses, where it leads."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from sqlalchemy import bindparam, select, update

from haversack.clock import Clock
from haversack.database.schema import whole_metadata
from haversack.orders.records import Order
from haversack.orders.tables import order_lines, orders
from haversack.payments.page.html import STATIC_FOLDER, page_headers
from haversack.payments.tables import payments
from haversack.projects.directory import PROJECTS_CHANGED
from haversack.projects.queries import set_clock
from make import backpack, keys
from make.catalog import any_sku, game, game_key
from make.client_catalog import sell
from make.orders import Buyer, cancel, order_money, owned_of, sell_for_money, state_of, stored
from make.payment_page import FETCH, card_form, hidden, make_purchase, token_of
from make.payments import CHALLENGED, DECLINED, NEVER, SUCCESS, set_tax
from make.projects import Studio
from make.receiver import Receiver, refusal

PAGES = ("/paystation4/", "/paystation3/", "/paystation2/")
DARK = "63295aab2e47fab76f7708e3"


async def show(client: httpx.AsyncClient, token: str, path: str = "/paystation4/", **query: str) -> str:
    """The text of a page, which must be there."""
    reply = await client.get(path, params={"token": token, **query})
    assert reply.status_code == 200, (reply.status_code, reply.headers)
    return reply.text


def words(page: str) -> str:
    """The text of a page, spaced once."""
    body = re.sub(r"<(template|script|style|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def led_to(reply: httpx.Response) -> str:
    """The path of a redirect."""
    assert reply.status_code == 303, (reply.status_code, words(reply.text))
    assert reply.headers["cache-control"] == "no-store"
    return urlsplit(reply.headers["location"]).path


async def follow(client: httpx.AsyncClient, reply: httpx.Response) -> str:
    """The page that a redirect leads to."""
    led_to(reply)
    return (await client.get(reply.headers["location"])).text


# -- The form -------------------------------------------------------------------------------------------------------


async def test_payment_page(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    lamp = await sell_for_money(client, studio, 7.99, name={"en": "Lamp", "de": "Lampe"})
    oil = await sell_for_money(client, studio, 2, name={"en": "Oil"})
    order = await order_money(buyer, (lamp, 1), (oil, 3), is_sandbox=True)
    page = await show(client, await token_of(studio, order), lang="de")
    text = words(page)
    assert '<html lang="de" class="light">' in page
    assert "13,99\u00a0$ bezahlen" in page
    for expected in ("Lampe", "Oil", "Menge: 3", "6,00 $", "PayPal", "Google Pay", "Apple Pay", "Karte"):
        assert expected in text.replace("\u00a0", " "), expected
    assert "4111 1111 1111 1111" in text


async def test_payment_page_2(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    reply = await client.get("/paystation2/", params={"access_token": token, "sdk": "unity", "engine": "unity"})
    assert "$9.99" in reply.text


async def test_payment_page_3(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    reply = await client.get("/paystation3/", params={"access_token": token})
    assert "$9.99" in reply.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("token", ["", "lamplight", "x" * 5000])
async def test_no_token_no_purchase(client: httpx.AsyncClient, path: str, token: str) -> None:
    reply = await client.get(path, params={"token": token}, headers={"Accept-Language": "fr-CH, en;q=0.5"})
    assert reply.status_code == 404
    assert "Ce lien de paiement ne fonctionne pas" in reply.text
    assert "lamplight" not in reply.text


async def test_expired_token(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    token = await token_of(studio, order, now=order.created_at - timedelta(hours=25))
    reply = await client.get("/paystation4/", params={"token": token})
    assert reply.status_code == 404
    assert "look whether your purchase has arrived before you pay again" in words(reply.text)


async def test_link_of_a_paid_purchase_expires(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    assert led_to(await client.post("/paystation4/pay", data=card_form(token))) == "/paystation4/status"
    await set_clock(studio.context.database.session(), studio.project_id, Clock(offset=timedelta(hours=25)))
    studio.context.notifications.publish_locally(PROJECTS_CHANGED)
    reply = await client.get("/paystation4/status", params={"token": token})
    assert reply.status_code == 404
    # The player was charged; nobody may be told otherwise.
    assert "charged" not in words(reply.text)


async def test_headers(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    reply = await client.get("/paystation4/", params={"token": token})
    policy = reply.headers["content-security-policy"]
    assert policy == page_headers()["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors https: http://127.0.0.1:* http://localhost:*" in policy
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "same-origin"
    assert "set-cookie" not in reply.headers
    # Nothing inline, nothing from elsewhere.
    assert re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", reply.text) is None
    assert re.findall(r'(?:src|href|action)="(?:https?:)?//', reply.text) == []


def test_who_may_frame() -> None:
    assert page_headers(())["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    only = page_headers(("https://play.example.com",))["Content-Security-Policy"]
    assert only.endswith("frame-ancestors https://play.example.com")
    with_provider = page_headers(provider_script=True)["Content-Security-Policy"]
    assert "script-src 'self' https://js.stripe.com " in with_provider
    assert "'unsafe" not in with_provider


async def test_discounts_and_tax(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 7.5)
    await set_tax(studio, "US", "8.88")
    order = await order_money(buyer, (sku, 2), is_sandbox=True)
    token = await token_of(studio, order, user={"country": {"value": "US"}})
    text = words(await show(client, token))
    assert "Subtotal $15.00 Sales tax, 8.88% $1.33 Total $16.33" in text
    assert "Pay $16.33" in text
    await reduce_to(order, studio, "12")
    page = await show(client, token)
    assert "Before: $15.00 Now: $12.00" in words(page)
    assert re.search(r'<s class="line__before">.*\$15\.00</s>', page)
    assert "Subtotal $15.00 Discount -$3.00 Sales tax, 8.88% $1.07 Total $13.07" in words(page)


async def reduce_to(order: Order, studio: Studio, amount: str) -> None:
    """Let an order's one line cost less than it did before discounts."""
    db = studio.context.database.session()
    for table in (orders, order_lines):
        statement = update(table).where(table.c.order_id == bindparam("order")).values(amount=bindparam("paid"))
        await db.execute(statement, order=order.order_id, paid=Decimal(amount))


async def test_appearance(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)

    async def shown(**settings: object) -> str:
        return await show(client, await token_of(studio, order, settings=settings))

    page = await shown(ui={"theme": DARK, "currency_format": "code", "is_cart_open_by_default": True})
    assert 'class="dark"' in page
    assert "9.99\u00a0USD" in page
    assert '<details class="unfold" open>' in page
    assert 'class="dark"' in await shown(ui={"theme": "dark", "size": "large", "version": "desktop"})
    page = await shown(ui={"layout": "embed"})
    assert 'class="page page--embed"' in page
    assert "monogram" not in page
    page = await shown(ui={"desktop": {"header": {"is_visible": False, "close_button": True}}})
    assert "data-close data-warns" in page
    assert "monogram" not in page
    page = await shown(ui={"mobile": {"header": {"close_button": True}}, "is_show_close_widget_warning": False})
    assert "data-close aria-label" in page
    assert 'id="leaving"' not in page
    page = await shown(ui={"is_payment_methods_list_mode": True})
    assert " checked" not in page
    page = await shown(payment_method=24)
    assert re.search(r'value="paypal" checked', page)
    page = await shown(ui={"theme": 7, "desktop": [], "layout": {}})
    assert 'class="light"' in page


async def test_languages(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    plain = await token_of(studio, order)
    reply = await client.get("/paystation4/", params={"token": plain}, headers={"Accept-Language": "da, ja;q=0.8"})
    assert 'lang="ja"' in reply.text
    assert reply.headers["content-language"] == "ja"
    said = await token_of(studio, order, settings={"language": "cn"})
    assert "选择付款方式" in await show(client, said)
    assert "Come vuoi pagare?" in await show(client, said, lang="it")
    assert "选择付款方式" in await show(client, said, lang="xx")


async def test_purchase_without_an_order(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    token = await token_of(
        studio, None, buyer=buyer, purchase={"amount": "4.5", "currency": "EUR", "description": "Tip"}
    )
    text = words(await show(client, token, lang="de"))
    assert "Tip" in text
    assert "4,50 €" in text
    assert led_to(await client.post("/paystation4/pay", data=card_form(token))) == "/paystation4/status"


# -- Country --------------------------------------------------------------------------------------------------------


async def test_change_country_on_page(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    await set_tax(studio, "AT", "20", "vat")
    token = await token_of(studio, order, user={"country": {"value": "DE", "allow_modify": True}})
    assert '<option value="DE" selected>Germany</option>' in await show(client, token)
    reply = await client.post("/paystation4/country", data={"token": token, "country": "AT"})
    text = words(await follow(client, reply))
    assert "VAT, 20% $2.00" in text
    assert "Total $11.99" in text
    # What is no country changes nothing.
    await client.post("/paystation4/country", data={"token": token, "country": "XX"})
    assert '<option value="AT" selected>' in await show(client, token)
    refused = await client.post("/paystation4/country", data={"token": "lamplight", "country": "AT"})
    assert refused.status_code == 404


async def test_country_stays_where_it_must(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    page = await show(client, token)
    assert "Paying from Germany" in words(page)
    assert 'name="country"' not in page
    await client.post("/paystation4/country", data={"token": token, "country": "AT"})
    assert "Paying from Germany" in words(await show(client, token))


# -- Paying ---------------------------------------------------------------------------------------------------------


async def test_pay_on_page(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio)
    order = await order_money(buyer, sku, is_sandbox=True)
    token = await token_of(studio, order, settings={"return_url": "https://play.example.com/back?a=1"})
    reply = await client.post("/paystation4/pay", data=card_form(token, email="juno@example.com", save_card="1"))
    assert led_to(reply) == "/paystation4/status"
    page = await follow(client, reply)
    assert "Thank you, it is paid" in page
    assert "Visa •••• 1111" in page
    assert SUCCESS not in page
    assert await owned_of(buyer, sku) == 1
    button = re.search(r'href="(https://play[^"]+)"', page)
    assert button is not None
    query = parse_qs(urlsplit(unescape(button[1])).query)
    assert query["status"] == ["done"]
    assert query["user_id"] == [order.external_id]
    assert query["a"] == ["1"]
    assert query["invoice_id"][0].isdigit()
    # Once paid there is no form any more, and no second payment.
    assert led_to(await client.get("/paystation4/", params={"token": token})) == "/paystation4/status"
    assert led_to(await client.post("/paystation4/pay", data=card_form(token))) == "/paystation4/status"
    assert await owned_of(buyer, sku) == 1


async def test_saved_card_pays_again(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    first, _ = await make_purchase(client, studio, buyer=buyer)
    await client.post("/paystation4/pay", data=card_form(first, save_card="1"))
    second, order = await make_purchase(client, studio, buyer=buyer)
    page = await show(client, second)
    assert "Expires 12/40" in words(page)
    value = re.search(r'value="(saved:\d+)" checked', page)
    assert value is not None
    reply = await client.post("/paystation4/pay", data={"token": second, "method": value[1]})
    assert "Thank you, it is paid" in await follow(client, reply)
    # Another player's purchase knows nothing of it.
    third, other = await make_purchase(client, studio)
    reply = await client.post("/paystation4/pay", data={"token": third, "method": value[1]})
    assert reply.status_code == 409
    assert "This saved card is not there any more." in words(reply.text)
    assert await state_of(studio, other) == "new"
    assert (await stored(studio, order.order_id)).payment_id is not None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"number": ""}, "Enter the card number."),
        ({"number": "4111 1111 1111 1112"}, "This is not a card number."),
        ({"number": "411111111111111\u00b9"}, "This is not a card number."),
        ({"expiry": ""}, "Enter the expiry date."),
        ({"expiry": "13 / 40"}, "Enter month and year"),
        ({"expiry": "01 / 20"}, "This card has expired."),
        ({"cvv": ""}, "Enter the security code."),
        ({"cvv": "12a"}, "The code has 3 digits"),
        ({"cvv": "1234"}, "The code has 3 digits"),
        ({"email": "juno at example"}, "This is not an e-mail address."),
        ({"method": "cash"}, "Choose how you want to pay."),
        ({"number": "4242 4242 4242 4242"}, "it takes test cards only, and never a real one"),
    ],
)
async def test_faulty_forms(client: httpx.AsyncClient, studio: Studio, changes: dict[str, str], fault: str) -> None:
    token, order = await make_purchase(client, studio)
    form = {**card_form(token), **changes}
    reply = await client.post("/paystation4/pay", data=form)
    assert reply.status_code == 422
    assert fault in words(reply.text)
    # Neither number nor code come back, whatever was wrong.
    assert form["number"] not in reply.text.partition('<details class="help"')[0] or not form["number"]
    assert (
        'id="number" name="number" inputmode="numeric" autocomplete="cc-number" maxlength="24" placeholder'
        in reply.text
    )
    assert await state_of(studio, order) == "new"


async def test_postal_code_of_the_states(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    token = await token_of(studio, order, user={"country": {"value": "US"}})
    for given, fault in (("", "Enter your ZIP"), ("W1A 1AA", "not a postal code of your country")):
        reply = await client.post("/paystation4/pay", data=card_form(token, zip=given))
        assert reply.status_code == 422
        assert fault in words(reply.text)
    assert led_to(await client.post("/paystation4/pay", data=card_form(token, zip="10001"))) == "/paystation4/status"


async def test_declined_card(client: httpx.AsyncClient, studio: Studio) -> None:
    token, order = await make_purchase(client, studio)
    reply = await client.post("/paystation4/pay", data=card_form(token, DECLINED, lang="de"))
    assert reply.status_code == 402
    text = words(reply.text)
    assert "Die Karte wurde abgelehnt." in text
    assert "Versuch es mit einer anderen Karte" in text
    assert await state_of(studio, order) == "new"
    assert led_to(await client.post("/paystation4/pay", data=card_form(token))) == "/paystation4/status"


async def test_answers_for_the_script(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    nothing = {"next": None, "title": None, "text": None, "problems": {}, "browser": None}
    reply = await client.post("/paystation4/pay", data=card_form(token, number=""), headers=FETCH)
    assert reply.status_code == 422
    assert reply.json() == {**nothing, "problems": {"number": "Enter the card number."}}
    reply = await client.post("/paystation4/pay", data=card_form(token, DECLINED), headers=FETCH)
    assert reply.status_code == 402
    assert reply.json()["title"] == "The card was declined."
    reply = await client.post("/paystation4/pay", data=card_form(token), headers=FETCH)
    assert reply.json() == {**nothing, "next": f"/paystation4/status?token={token}"}


async def test_too_many_tries(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    for _ in range(10):
        assert (await client.post("/paystation4/pay", data=card_form(token, DECLINED))).status_code == 402
    reply = await client.post("/paystation4/pay", data=card_form(token))
    assert reply.status_code == 429
    assert reply.headers["retry-after"] == "600"
    assert "Wait ten minutes" in words(reply.text)


async def test_forms_of_other_sites(client: httpx.AsyncClient, studio: Studio) -> None:
    token, order = await make_purchase(client, studio)
    paths = ("/paystation4/pay", "/paystation4/country", "/paystation4/check", "/pages/sandbox")
    for path in paths:
        for origin in ("https://evil.example.com", "null", "http://["):
            reply = await client.post(path, data=card_form(token), headers={"Origin": origin})
            assert reply.status_code == 403, path
            assert "This form came from elsewhere" in reply.text
    assert await state_of(studio, order) == "new"
    ours = await client.post("/paystation4/pay", data=card_form(token), headers={"Origin": "http://127.0.0.1:8044"})
    assert led_to(ours) == "/paystation4/status"


@pytest.mark.parametrize(
    "media_type", ["multipart/form-data; boundary=b", "Application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_nul_characters_in_forms(client: httpx.AsyncClient, studio: Studio, media_type: str) -> None:
    token, order = await make_purchase(client, studio)
    form = {**card_form(token), "answer": "confirm", "email": "a\x00b@example.com", "zip": "\x00"}
    if media_type.startswith("multipart"):
        body = "".join(f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in form.items())
        body += "--b--\r\n"
    else:
        body = urlencode(form)
    for path, method in (("/paystation4/pay", "card"), ("/pages/sandbox", "paypal")):
        sent = body.replace("card\r\n", f"{method}\r\n").replace("method=card", f"method={method}")
        reply = await client.post(path, content=sent, headers={"Content-Type": media_type})
        assert reply.status_code == 400, words(reply.text)
    assert await state_of(studio, order) == "new"


async def test_a_form_in_a_charset_that_nobody_reads(client: httpx.AsyncClient) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\nx\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b; charset=undefined"}
    assert (await client.post("/paystation4/pay", content=part, headers=headers)).status_code == 400


async def test_the_step_of_a_way_to_pay_takes_no_wrong_address(client: httpx.AsyncClient, studio: Studio) -> None:
    for email, kept in (("ann@example.com", "ann@example.com"), ("x" * 400, None), ("no address", None)):
        token, order = await make_purchase(client, studio)
        form = {"token": token, "method": "paypal", "answer": "confirm", "email": email}
        assert led_to(await client.post("/pages/sandbox", data=form)) == "/paystation4/status"
        paid = await studio.context.database.session().fetch_one(
            select(payments.c.email).where(payments.c.order_id == bindparam("of_order")), of_order=order.order_id
        )
        assert paid is not None
        assert paid["email"] == kept


async def test_nobody_keeps_a_card(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token, _ = await make_purchase(client, studio, buyer=buyer)
    for number in (DECLINED, SUCCESS):
        form = card_form(token, number, cvv="907", save_card="1", email="juno@example.com")
        await client.post("/paystation4/pay", data=form)
    db = studio.context.database.session()
    kept = caplog.text
    for table in whole_metadata().sorted_tables:
        if "project_id" in table.c:
            of_project = table.c.project_id == bindparam("project")
            rows = await db.fetch_all(select(table).where(of_project), project=studio.project_id)
            kept += "\n".join(str(dict(row)) for row in rows)
    assert "'card_suffix': '1111'" in kept
    for secret in (DECLINED, SUCCESS, "4111 1111", "'907'", "=907"):
        assert secret not in kept


# -- What the game says ---------------------------------------------------------------------------------------------


async def test_check_player_on_page(client: httpx.AsyncClient, studio: Studio) -> None:
    token, order = await make_purchase(client, studio)
    async with Receiver() as game:
        await backpack.connect_game(studio, game.url)
        reply = await client.post(
            "/paystation4/check", data={"token": token, "email": "juno@example.com"}, headers=FETCH
        )
        assert reply.status_code == 200
        assert reply.json()["title"] is None
        assert game.received[0].json["notification_type"] == "user_validation"
        assert game.received[0].json["user"]["id"] == order.external_id
        game.answer_next(refusal("INVALID_USER", "This hero is resting."))
        reply = await client.post("/paystation4/check", data={"token": token}, headers=FETCH)
        assert reply.status_code == 409
        assert reply.json()["title"] == "The purchase cannot go on"
        assert "This hero is resting." in reply.json()["text"]
        game.answer_next(refusal("INVALID_USER", "This hero is resting."))
        reply = await client.post("/paystation4/pay", data=card_form(token))
        assert reply.status_code == 409
        assert "This hero is resting." in words(reply.text)
    assert (await client.post("/paystation4/check", data={"token": "lamplight"})).status_code == 404


# -- Steps ----------------------------------------------------------------------------------------------------------


async def test_sandbox_step_page(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    assert led_to(await client.get("/pages/sandbox", params={"token": token})) == "/paystation4/status"
    reply = await client.post("/paystation4/pay", data=card_form(token, CHALLENGED))
    assert led_to(reply) == "/pages/sandbox"
    page = await follow(client, reply)
    assert "Confirm with your bank" in page
    assert "Visa •••• 1152" in page
    assert 'value="654321"' in page
    # Who looks at the status meanwhile is led back here.
    assert led_to(await client.get("/paystation4/status", params={"token": token})) == "/pages/sandbox"
    assert (await client.get("/pages/sandbox", params={"token": "lamplight"})).status_code == 404


@pytest.mark.parametrize(
    ("answer", "code", "title"),
    [
        ("confirm", "654321", "Thank you, it is paid"),
        ("confirm", "123456", "The payment did not go through"),
        ("cancel", "654321", "The payment was canceled"),
    ],
)
async def test_answer_sandbox_step(
    client: httpx.AsyncClient, studio: Studio, answer: str, code: str, title: str
) -> None:
    token, order = await make_purchase(client, studio)
    page = await follow(client, await client.post("/paystation4/pay", data=card_form(token, CHALLENGED)))
    form = {"token": token, "challenge": hidden(page, "challenge"), "code": code, "answer": answer}
    page = await follow(client, await client.post("/pages/sandbox", data=form))
    assert title in page
    is_paid = title.startswith("Thank")
    assert (await state_of(studio, order) == "new") is not is_paid
    assert ("Try again" in page) is not is_paid


@pytest.mark.parametrize("method", ["paypal", "google_pay", "apple_pay"])
async def test_other_ways_to_pay(client: httpx.AsyncClient, studio: Studio, method: str) -> None:
    token, order = await make_purchase(client, studio)
    form = {"token": token, "method": method, "email": "juno@example.com"}
    reply = await client.post("/paystation4/pay", data=form)
    assert reply.status_code == 200
    assert "Nothing is charged." in words(reply.text)
    assert hidden(reply.text, "email") == "juno@example.com"
    back = await client.post("/pages/sandbox", data={**form, "answer": "cancel"})
    assert f'value="{method}" checked' in await follow(client, back)
    assert await state_of(studio, order) == "new"
    done = await client.post("/pages/sandbox", data={**form, "answer": "confirm"})
    assert "Thank you, it is paid" in await follow(client, done)


# -- How it stands --------------------------------------------------------------------------------------------------


async def test_payment_status_page(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    assert led_to(await client.get("/paystation4/status", params={"token": token})) == "/paystation4"
    page = await follow(client, await client.post("/paystation4/pay", data=card_form(token, NEVER)))
    assert "Your payment is under way" in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    assert 'data-status="invoice"' in page
    # A payment that is under way is not paid a second time.
    assert led_to(await client.get("/paystation4/", params={"token": token})) == "/paystation4/status"
    assert (await client.get("/paystation4/status", params={"token": "x"})).status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "refunded", "refunded": Decimal("9.99")}, "The payment was refunded"),
        ({"state": "partially_refunded", "refunded": Decimal("4")}, "A part of it was refunded"),
        ({"failure": "It was sold out."}, "What you paid for is gone It was sold out. Your money goes back"),
    ],
)
async def test_money_that_goes_back(
    client: httpx.AsyncClient, studio: Studio, changes: dict[str, object], said: str
) -> None:
    token, order = await make_purchase(client, studio)
    await client.post("/paystation4/pay", data=card_form(token))
    statement = update(payments).where(payments.c.order_id == bindparam("order")).values(**changes)
    await studio.context.database.session().execute(statement, order=order.order_id)
    text = words(await show(client, token, "/paystation4/status"))
    assert said in text
    assert ("Refunded $4.00" in text) is ("part" in said)


async def test_codes_of_keys(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = any_sku("key")
    await sell(client, studio, game(game_key("steam", sku=sku, name={"en": "Opera", "de": "Oper"})), "game")
    await keys.upload(client, studio, sku, ["OPERA-<7>"])
    token = await token_of(studio, await order_money(buyer, sku, is_sandbox=True))
    assert "OPERA-" not in await show(client, token)
    page = await follow(client, await client.post("/paystation4/pay", data=card_form(token)))
    assert "Opera OPERA-<7>" in words(page)
    assert "OPERA-<7>" not in page
    assert "Oper OPERA-<7>" in words(await show(client, token, "/paystation4/status", lang="de"))


async def test_canceled_order(client: httpx.AsyncClient, studio: Studio) -> None:
    token, order = await make_purchase(client, studio)
    await cancel(studio, order)
    page = await follow(client, await client.get("/paystation4/", params={"token": token}))
    assert "This purchase was canceled" in page
    assert "Try again" not in page
    reply = await client.post("/paystation4/pay", data=card_form(token))
    assert led_to(reply) == "/paystation4/status"


async def test_redirect_policy(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    token = await token_of(
        studio,
        order,
        settings={
            "return_url": "app://xpayment.com.example",
            "external_id": "order 7",
            "redirect_policy": {
                "redirect_conditions": "successful",
                "delay": 5,
                "status_for_manual_redirection": "none",
                "redirect_button_caption": "Back to the <lamp>",
            },
        },
    )
    reply = await client.post("/paystation4/pay", data=card_form(token))
    page = await follow(client, reply)
    address = re.search(r'data-return="([^"]+)" data-delay="5"', page)
    assert address is not None
    assert unescape(address[1]).startswith("app://xpayment.com.example?user_id=")
    assert "foreigninvoice=order%207" in address[1]
    assert "Back to the &lt;lamp&gt;" in page
    assert f'<noscript><meta http-equiv="refresh" content="5;url={address[1]}"></noscript>' in page


async def test_leave_payment_page(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    token = await token_of(studio, order, settings={"return_url": "https://play.example.com/back"})
    page = await show(client, token, "/paystation4/leave")
    assert "Leave without paying?" in page
    page = await show(client, token, "/paystation4/leave", sure="1")
    assert "You have not paid" in page
    assert f'href="https://play.example.com/back?user_id={order.external_id}"' in page
    assert await state_of(studio, order) == "new"
    await client.post("/paystation4/pay", data=card_form(token))
    assert led_to(await client.get("/paystation4/leave", params={"token": token})) == "/paystation4/status"
    assert (await client.get("/paystation4/leave", params={"token": "x"})).status_code == 404


# -- Files ----------------------------------------------------------------------------------------------------------


async def test_payment_widget_script(client: httpx.AsyncClient) -> None:
    reply = await client.get("/embed/paystation/1.2.3/widget.min.js")
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert reply.headers["cross-origin-resource-policy"] == "cross-origin"
    assert reply.content == (STATIC_FOLDER / "widget.js").read_bytes()


async def test_static_files(client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    addresses = set(re.findall(r'"(/paystation4/static/[^"]+)"', unescape(await show(client, token))))
    assert len(addresses) > 10
    for address in addresses:
        reply = await client.get(address)
        assert reply.status_code == 200, address
    missing = await client.get("/paystation4/static/nothing.js")
    assert missing.status_code == 404


async def test_faults_have_the_page_of_a_payment(client: httpx.AsyncClient) -> None:
    reply = await client.get("/paystation4/nothing")
    assert reply.status_code == 404
    assert "This payment link does not work" in reply.text
    reply = await client.get("/paystation4/", params={"token": "\x00"})
    assert reply.status_code == 400
    assert "This page cannot be opened" in reply.text
    reply = await client.post("/paystation4/status")
    assert reply.status_code == 405
    assert "frame-ancestors" in reply.headers["content-security-policy"]
