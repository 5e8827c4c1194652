"""The payment page in a real browser: what a player types, sees and is led to, with every way a payment can end."""

import re
from datetime import timedelta

import httpx
import pytest
from playwright.async_api import Locator, LocatorAssertions, Page, expect
from visits import OpenTab, Site

from make import backpack
from make.orders import Buyer, fill, make_buyer, order_money, owned_of, sell_for_money, state_of, stored
from make.payment_page import make_purchase, token_of
from make.payments import CHALLENGED, DECLINED, LATE, SUCCESS, move_clock, set_tax
from make.projects import Studio
from make.receiver import Receiver, refusal

pytestmark = pytest.mark.browser

DARK = "63295aab2e47fab76f7708e3"
FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
ARABIC = {ord("0") + digit: 0x0660 + digit for digit in range(10)}
PERSIAN = {ord("0") + digit: 0x06F0 + digit for digit in range(10)}


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A fresh player."""
    return await make_buyer(studio)


async def open_page(open_tab: OpenTab, token: str, **options: object) -> Page:
    """The payment page in a tab of its own."""
    tab = await open_tab(**options)
    await tab.goto(f"/paystation4/?token={token}")
    return tab


async def type_card(tab: Page, number: str = SUCCESS) -> None:
    """Fill in the card form, key by key."""
    await tab.get_by_label("Card number").press_sequentially(number)
    await tab.get_by_label("Expiry date").press_sequentially("1240")
    await tab.get_by_label("Security code").press_sequentially("123")


def heading(tab: Page, title: str) -> LocatorAssertions:
    """The heading of the page that is shown."""
    return expect(tab.get_by_role("heading", level=1, name=title))


async def test_from_cart_to_done(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site, buyer: Buyer
) -> None:
    name = {"en": "Stormglass Lantern"}
    lamp = await sell_for_money(client, studio, 7.99, name=name, image_url=site.picture("stormglass-lantern.webp"))
    oil = await sell_for_money(client, studio, 2, name={"en": "Lamp Oil"})
    await set_tax(studio, "US", "8.88")
    await fill(client, buyer, lamp, oil)
    path = f"/api/v2/project/{studio.project_id}/payment/cart"
    body = {"sandbox": True, "country": "US", "currency": "USD"}
    reply = await client.post(path, json=body, headers={**buyer.headers, "X-User-Country": "US"})
    assert reply.status_code == 200, reply.text
    token, order_id = reply.json()["token"], reply.json()["order_id"]

    tab = await open_page(open_tab, token)
    summary = tab.get_by_role("region", name="Your purchase")
    await expect(summary.get_by_role("listitem")).to_have_count(2)
    await expect(summary).to_contain_text("Sales tax, 8.88%")
    decoded = await tab.evaluate("document.querySelector('.thumb img').decode().then(() => true)")
    assert decoded
    await type_card(tab)
    await expect(tab.get_by_label("Card number")).to_have_value("4111 1111 1111 1111")
    await expect(tab.get_by_label("Expiry date")).to_have_value("12 / 40")
    await expect(tab.locator("[data-brand]")).to_have_attribute("src", re.compile("mark-visa"))
    await tab.get_by_label("ZIP or postal code").fill("10001")
    await tab.get_by_role("button", name="Pay $10.88").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()
    await expect(tab.get_by_role("main")).to_contain_text("Visa •••• 1111")
    assert (await owned_of(buyer, lamp), await owned_of(buyer, oil)) == (1, 1)
    assert (await stored(studio, order_id)).state in ("paid", "done")
    # The form is gone for good: going back leads here again.
    await tab.go_back()
    await heading(tab, "Thank you, it is paid").to_be_visible()


async def test_three_d_secure(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, order = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    await type_card(tab, CHALLENGED)
    await tab.get_by_role("button", name="Pay $9.99").click()
    await heading(tab, "Confirm with your bank").to_be_visible()
    code = tab.get_by_label("Code of your bank")
    await expect(code).to_have_value("654321")
    await code.fill("123456")
    await tab.get_by_role("button", name="Confirm payment").click()
    await heading(tab, "The payment did not go through").to_be_visible()
    await expect(tab.get_by_role("main")).to_contain_text("3-D Secure: the code is wrong. Nothing was charged.")
    assert await state_of(studio, order) == "new"
    await tab.get_by_role("link", name="Try again").click()
    await type_card(tab, CHALLENGED)
    await tab.keyboard.press("Enter")
    await tab.get_by_role("button", name="Confirm payment").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()
    assert await state_of(studio, order) in ("paid", "done")


async def test_declined_card_and_another_one(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    await type_card(tab, DECLINED)
    await tab.get_by_role("button", name="Pay").click()
    alert = tab.get_by_role("alert")
    await expect(alert).to_contain_text("The card was declined.")
    await expect(alert).to_be_focused()
    # What was typed is still there, but on this page alone: nothing of it was loaded anew.
    await expect(tab.get_by_label("Card number")).to_have_value("4000 0000 0000 0002")
    await tab.get_by_label("Card number").fill("")
    await tab.get_by_label("Card number").press_sequentially(SUCCESS)
    await tab.get_by_role("button", name="Pay").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()


async def test_checks_while_typing(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    number, expiry, cvv = (tab.get_by_label(name) for name in ("Card number", "Expiry date", "Security code"))
    # Screen readers say what comes into a live region that was on the page before it.
    regions = tab.locator("[data-problem]:not([hidden] *)")
    assert await regions.evaluate_all("(all) => all.length === 5 && all.every((each) => each.checkVisibility())")
    await tab.get_by_role("button", name="Pay").click()
    await expect(number).to_be_focused()
    await expect(number).to_have_accessible_description("Enter the card number.")
    await expect(cvv).to_have_attribute("aria-invalid", "true")
    await number.press_sequentially("4111111111111112")
    await expiry.focus()
    await expect(number).to_have_accessible_description("This is not a card number. Check its digits. Visa")
    await number.press("End")
    await number.press("Backspace")
    await number.press_sequentially("1")
    await expect(number).not_to_have_attribute("aria-invalid", "true")
    # A digit put in the middle leaves the caret behind it, whatever the spaces do.
    await number.fill("411111111111111")
    await number.evaluate("(field) => field.setSelectionRange(4, 4)")
    await number.press_sequentially("22")
    assert await number.evaluate("(field) => [field.value, field.selectionStart]") == ["4111 2211 1111 1111 1", 7]
    await number.fill("378282246310005")
    await expect(number).to_have_value("3782 822463 10005")
    await expect(tab.locator("[data-brand]")).to_have_attribute("src", re.compile("mark-amex"))
    for typed, shown in (("3", "03 / "), ("1", "03 / 1"), ("9", "03 / 19")):
        await expiry.press_sequentially(typed)
        await expect(expiry).to_have_value(shown)
    await cvv.fill("123")
    await cvv.blur()
    await expect(cvv).to_have_accessible_description(re.compile("The code has 3 digits, on American Express 4."))
    await expect(expiry).to_have_accessible_description("This card has expired. Use another one.")
    await expiry.fill("2040-12")
    await expect(expiry).to_have_value("12 / 40")
    await expect(expiry).to_have_accessible_description("")


async def test_fault_moves_nothing_from_under_the_pointer(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio
) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)

    async def press_upper_edge(place: Locator) -> None:
        box = await place.bounding_box()
        assert box is not None
        await tab.mouse.move(box["x"] + 60, box["y"] + 6)
        await tab.mouse.down()
        await tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        await tab.mouse.up()

    await tab.get_by_label("Card number").press_sequentially("4111111111111112")
    await press_upper_edge(tab.locator("label", has_text="PayPal"))
    await expect(tab.get_by_role("radio", name="PayPal")).to_be_checked()
    await tab.get_by_label("E-mail").press_sequentially("juno")
    await press_upper_edge(tab.get_by_role("button", name="Pay"))
    await expect(tab.get_by_label("E-mail")).to_be_focused()
    await expect(tab.get_by_text("This is not an e-mail address.")).to_be_visible()
    await tab.get_by_text("Card", exact=True).click()
    await expect(tab.get_by_text("This is not a card number.")).to_be_visible()


async def test_dates_are_typed_in_many_ways(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    expiry = (await open_page(open_tab, token)).get_by_label("Expiry date")
    for typed, shown in (
        ("1/30", "01 / 30"),
        ("1 30", "01 / 30"),
        ("01/30", "01 / 30"),
        ("9/29", "09 / 29"),
        ("12/203", "12 / 203"),
        ("12/2031", "12 / 31"),
        ("1/2031", "01 / 31"),
        ("1231", "12 / 31"),
        ("12317", "12 / 31"),
    ):
        await expiry.fill("")
        await expiry.press_sequentially(typed)
        await expect(expiry).to_have_value(shown)


async def test_digits_of_other_keyboards(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    number, expiry, cvv = (tab.get_by_label(name) for name in ("Card number", "Expiry date", "Security code"))
    # A Japanese input method shows what it composes, and puts it in place when it is done.
    await number.focus()
    keyboard = await tab.context.new_cdp_session(tab)
    for composed in ("4".translate(FULL_WIDTH), "4111".translate(FULL_WIDTH), "41111111".translate(FULL_WIDTH)):
        await keyboard.send(
            "Input.imeSetComposition",
            {"text": composed, "selectionStart": len(composed), "selectionEnd": len(composed)},
        )
        await expect(number).to_have_value(composed)
    await tab.keyboard.insert_text(SUCCESS.translate(FULL_WIDTH))
    await expect(number).to_have_value("4111 1111 1111 1111")
    await expiry.press_sequentially("1240".translate(ARABIC))
    await expect(expiry).to_have_value("12 / 40")
    await cvv.press_sequentially("123".translate(PERSIAN))
    await expect(cvv).to_have_value("123")
    await tab.get_by_role("button", name="Pay").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()


async def test_saved_card(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    first, _ = await make_purchase(client, studio, buyer=buyer)
    tab = await open_page(open_tab, first)
    await type_card(tab)
    await tab.get_by_label("Keep this card for next time").check()
    await tab.get_by_role("button", name="Pay").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()
    second, order = await make_purchase(client, studio, buyer=buyer)
    await tab.goto(f"/paystation4/?token={second}")
    await expect(tab.get_by_role("radio", name="Visa •••• 1111")).to_be_checked()
    await expect(tab.get_by_label("Card number")).to_be_hidden()
    await tab.get_by_role("button", name="Pay").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()
    assert await state_of(studio, order) in ("paid", "done")


async def test_paypal(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    await tab.get_by_text("PayPal", exact=True).click()
    await expect(tab.get_by_text("You confirm the payment with PayPal in the next step.")).to_be_visible()
    await tab.get_by_role("button", name="Pay $9.99").click()
    await heading(tab, "Confirm with PayPal").to_be_visible()
    await tab.get_by_role("button", name="Cancel payment").click()
    await expect(tab.get_by_role("radio", name="PayPal")).to_be_checked()
    await tab.get_by_role("button", name="Pay $9.99").click()
    await tab.get_by_role("button", name="Confirm payment").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()


async def pay_late(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> Page:
    """The page of a payment whose answer is still to come."""
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    await type_card(tab, LATE)
    await tab.get_by_role("button", name="Pay").click()
    await heading(tab, "Your payment is under way").to_be_visible()
    return tab


async def test_late_answer(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    tab = await pay_late(open_tab, client, studio)
    await move_clock(studio, timedelta(minutes=1))
    # The page looks again by itself.
    await heading(tab, "Thank you, it is paid").to_be_visible()


async def test_return_by_itself_and_by_the_button(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site, buyer: Buyer
) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    settings = {"return_url": f"{site.url}/backpack?from=shop", "external_id": "e-1"}
    by_button = await open_page(open_tab, await token_of(studio, order, settings=settings))
    await type_card(by_button)
    await by_button.get_by_role("button", name="Pay").click()
    await by_button.get_by_role("link", name=re.compile("^Return to Project")).click()
    await by_button.wait_for_url(f"{site.url}/backpack?from=shop&user_id=*")
    assert "foreigninvoice=e-1&invoice_id=" in by_button.url
    assert by_button.url.endswith("&status=done")

    policy = {"redirect_conditions": "successful", "delay": 0}
    token, _ = await make_purchase(client, studio, settings={**settings, "redirect_policy": policy})
    by_itself = await open_page(open_tab, token)
    await type_card(by_itself)
    await by_itself.get_by_role("button", name="Pay").click()
    await by_itself.wait_for_url("**/backpack?from=shop&user_id=**&status=done")


async def test_country_is_switched(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    await set_tax(studio, "AT", "20", "vat")
    token = await token_of(studio, order, user={"country": {"value": "US", "allow_modify": True}})
    tab = await open_page(open_tab, token)
    await expect(tab.get_by_label("ZIP or postal code")).to_be_visible()
    await tab.get_by_label("Country or region").select_option("Austria")
    await expect(tab.get_by_role("button", name="Pay $11.99")).to_be_visible()
    await expect(tab.get_by_label("ZIP or postal code")).to_be_hidden()


async def test_country_is_switched_by_keyboard(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    await set_tax(studio, "GB", "20", "vat")
    tab = await open_page(open_tab, await token_of(studio, order, user={"country": {"allow_modify": True}}))
    await type_card(tab)
    await tab.get_by_label("Country or region").focus()
    # Each letter chooses a country: Uganda, Ukraine, United Arab Emirates.
    await tab.keyboard.type("United K")
    await expect(tab.get_by_label("Country or region")).to_have_value("GB")
    await expect(tab.get_by_label("Card number")).not_to_have_value("")
    await tab.get_by_role("button", name="Pay $9.99").click()
    await expect(tab.get_by_role("button", name="Change")).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("button", name="Pay $11.99")).to_be_visible()
    await expect(tab.get_by_label("Country or region")).to_have_value("GB")
    await expect(tab.get_by_role("button", name="Change")).to_be_hidden()


async def test_language_is_switched(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    await tab.get_by_text("Language: English").click()
    await tab.get_by_role("link", name="Deutsch").click()
    await expect(tab.get_by_role("heading", name="Wie möchtest du bezahlen?")).to_be_visible()
    # The choice goes along.
    await tab.get_by_label("Kartennummer").press_sequentially(SUCCESS)
    await tab.get_by_label("Gültig bis").press_sequentially("1240")
    await tab.get_by_label("Sicherheitscode").press_sequentially("123")
    await tab.get_by_role("button", name="9,99").click()
    await heading(tab, "Danke, das ist bezahlt").to_be_visible()


async def test_game_is_asked_and_heard(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, order = await make_purchase(client, studio)
    async with Receiver() as game:
        await backpack.connect_game(studio, game.url)
        tab = await open_page(open_tab, token)
        game.answer_next(refusal("INVALID_USER", "This hero is resting."))
        await tab.get_by_text("Apple Pay", exact=True).click()
        await expect(tab.get_by_role("alert")).to_contain_text("This hero is resting.")
        await tab.get_by_text("Card", exact=True).click()
        await type_card(tab)
        await tab.get_by_role("button", name="Pay").click()
        await heading(tab, "Thank you, it is paid").to_be_visible()
        asked = [each for each in game.received if each.json["notification_type"] == "user_validation"]
        # Two ways to pay were chosen, the form was filled, the button pressed.
        assert len(asked) == 4
        assert {each.json["user"]["id"] for each in asked} == {order.external_id}


async def test_leaving(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio), is_sandbox=True)
    ui = {"desktop": {"header": {"close_button": True}}}
    token = await token_of(studio, order, settings={"ui": ui, "return_url": f"{site.url}/backpack"})
    tab = await open_page(open_tab, token)
    close = tab.get_by_role("link", name="Close without paying")
    await close.click()
    dialog = tab.get_by_role("dialog", name="Leave without paying?")
    await dialog.get_by_role("button", name="Keep paying").click()
    await expect(dialog).to_be_hidden()
    await close.click()
    await dialog.get_by_role("link", name="Leave").click()
    await heading(tab, "You have not paid").to_be_visible()
    await expect(tab.get_by_role("link", name="Pay after all")).to_be_visible()
    await tab.get_by_role("link", name=re.compile("^Return to")).click()
    await tab.wait_for_url(f"{site.url}/backpack?user_id={order.external_id}")


async def test_without_a_script(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, order = await make_purchase(client, studio)
    tab = await open_page(open_tab, token, java_script_enabled=False)
    await tab.get_by_role("button", name="Pay").click()
    await expect(tab.get_by_text("Enter the card number.")).to_be_visible()
    await tab.get_by_label("Card number").fill(CHALLENGED)
    await tab.get_by_label("Expiry date").fill("12/40")
    await tab.get_by_label("Security code").fill("123")
    await tab.get_by_role("button", name="Pay").click()
    await tab.get_by_role("button", name="Confirm payment").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()
    assert await state_of(studio, order) in ("paid", "done")


async def test_keyboard_alone(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    await tab.keyboard.press("Tab")
    await expect(tab.get_by_role("link", name="Skip to payment")).to_be_in_viewport()
    await tab.keyboard.press("Enter")
    await tab.keyboard.press("Tab")
    await expect(tab.get_by_role("radio", name="Card")).to_be_focused()
    outline = "getComputedStyle(document.activeElement.labels?.[0] || document.activeElement).outlineStyle"
    assert await tab.evaluate(outline) == "solid"
    await tab.keyboard.press("ArrowDown")
    await expect(tab.get_by_role("radio", name="PayPal")).to_be_checked()
    await tab.keyboard.press("ArrowUp")
    for typed in (SUCCESS, "1240", "123"):
        await tab.keyboard.press("Tab")
        assert await tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await tab.keyboard.type(typed)
    await tab.keyboard.press("Tab")
    await tab.keyboard.press("Space")
    await expect(tab.get_by_label("Keep this card for next time")).to_be_checked()
    await tab.keyboard.press("Tab")
    await tab.keyboard.press("Tab")
    await expect(tab.get_by_role("button", name="Pay $9.99")).to_be_focused()
    await tab.keyboard.press("Enter")
    await heading(tab, "Thank you, it is paid").to_be_visible()


async def test_server_away(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    await type_card(tab)
    await tab.route("**/paystation4/pay", lambda route: route.abort())
    await tab.get_by_role("button", name="Pay").click()
    await expect(tab.get_by_role("alert")).to_contain_text("The shop cannot be reached")
    await tab.unroute("**/paystation4/pay")
    await tab.get_by_role("button", name="Pay").click()
    await heading(tab, "Thank you, it is paid").to_be_visible()


async def test_link_expires_while_the_form_is_filled(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio
) -> None:
    token, order = await make_purchase(client, studio)
    tab = await open_page(open_tab, f"{token}&lang=de")
    await tab.get_by_label("Kartennummer").press_sequentially(SUCCESS)
    await tab.get_by_label("Gültig bis").press_sequentially("1240")
    await tab.get_by_label("Sicherheitscode").press_sequentially("123")
    await move_clock(studio, timedelta(hours=25))
    await tab.get_by_role("button", name="9,99").click()
    await expect(tab.get_by_role("alert")).to_contain_text("Dieser Zahlungslink funktioniert nicht")
    assert await state_of(studio, order) == "new"


async def test_link_expires_while_the_payment_is_under_way(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio
) -> None:
    tab = await pay_late(open_tab, client, studio)
    await move_clock(studio, timedelta(hours=25))
    await heading(tab, "This payment link does not work").to_be_visible()


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
async def test_something_before_the_server_answers(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, kind: str
) -> None:
    token, _ = await make_purchase(client, studio)
    tab = await open_page(open_tab, token)
    await type_card(tab)
    body = "<h1>Bad gateway</h1>" if kind == "text/html" else '{"message": "Bad gateway"}'
    await tab.route("**/paystation4/pay", lambda route: route.fulfill(status=502, body=body, content_type=kind))
    await tab.get_by_role("button", name="Pay").click()
    await expect(tab.get_by_role("alert")).to_contain_text("The shop cannot be reached")
    await expect(tab.get_by_role("button", name="Pay $9.99")).to_be_enabled()
