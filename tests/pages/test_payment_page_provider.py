"""The payment page where card numbers go to the payment provider alone: its script, played by a stand-in."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Page, Request, expect
from visits import Site

from haversack.payments.page.html import PROVIDER_SCRIPT
from make.orders import make_buyer, order_money, sell_for_money, state_of
from make.payment_page import token_of
from make.projects import Studio
from make.stripe import PUBLISHABLE_KEY, StripeStandIn, serve_stripe

pytestmark = pytest.mark.browser

# What the page uses of the provider's script. The number that is typed in its field never leaves it.
SCRIPT = """
window.Stripe = (key) => ({
  elements: (options) => {
    window.used = { key, ...options };
    let field;
    return {
      create: () => ({ mount: (place) => {
        field = document.createElement("input");
        field.setAttribute("aria-label", "Number at the provider");
        document.querySelector(place).append(field);
      } }),
      update: (more) => Object.assign(window.used, more),
      submit: async () => (field.value ? {} : { error: { message: "Your card number is incomplete." } }),
    };
  },
  confirmPayment: async ({ clientSecret, confirmParams }) => {
    window.used.back = confirmParams.return_url;
    return window.bankSays(clientSecret);
  },
});
"""


@pytest.fixture
async def stripe(studio: Studio) -> AsyncIterator[StripeStandIn]:
    """What the studio's project takes real money by."""
    async with serve_stripe(studio) as stand_in:
        yield stand_in


@pytest.fixture
async def tab(browser: Browser, site: Site) -> AsyncIterator[Page]:
    """A tab that reaches this server, and the stand-in's script in place of the provider's."""
    profile = await browser.new_context(base_url=site.url, reduced_motion="reduce")
    faults: list[str] = []

    def watch(request: Request) -> None:
        if urlsplit(request.url).port != urlsplit(site.url).port and request.url != PROVIDER_SCRIPT:
            faults.append(f"called {request.url}")
        if request.post_data and "4242" in request.post_data:
            faults.append(f"sent the number to {request.url}")

    profile.on("request", watch)
    tab = await profile.new_page()
    tab.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    await tab.route(PROVIDER_SCRIPT, lambda route: route.fulfill(content_type="text/javascript", body=SCRIPT))
    yield tab
    await profile.close()
    assert not faults, "\n".join(faults)


async def test_number_goes_to_the_provider_alone(
    tab: Page, client: httpx.AsyncClient, studio: Studio, stripe: StripeStandIn
) -> None:
    order = await order_money(await make_buyer(studio), await sell_for_money(client, studio), is_sandbox=False)
    token = await token_of(studio, order, is_sandbox=False)
    says = [{"error": {"message": "Your bank said no."}}, {}]

    async def bank_says(secret: str) -> dict[str, object]:
        assert secret == stripe.last["client_secret"]
        answer = says.pop(0)
        if not answer:
            stripe.pay()
        return answer

    await tab.expose_function("bankSays", bank_says)
    await tab.goto(f"/paystation4/?token={token}")
    assert await tab.get_by_label("Card number").count() == 0
    assert await tab.get_by_text("Test cards").count() == 0
    await tab.get_by_role("button", name="Pay $9.99").click()
    await expect(tab.get_by_text("Your card number is incomplete.")).to_be_visible()
    used = await tab.evaluate("used")
    assert (used["key"], used["amount"], used["currency"], used["mode"]) == (PUBLISHABLE_KEY, 999, "usd", "payment")
    await tab.get_by_label("Keep this card for next time").check()
    assert await tab.evaluate("used.setupFutureUsage") == "off_session"
    await tab.get_by_label("Number at the provider").fill("4242424242424242")
    await tab.get_by_role("button", name="Pay $9.99").click()
    await expect(tab.get_by_role("alert")).to_contain_text("Your bank said no.")
    await tab.get_by_role("button", name="Pay $9.99").click()
    await expect(tab.get_by_role("heading", name="Thank you, it is paid")).to_be_visible()
    assert await state_of(studio, order) in ("paid", "done")
    # The second try went on with the first one's intent.
    assert len(stripe.intents) == 1


async def test_provider_without_a_script(
    browser: Browser, client: httpx.AsyncClient, studio: Studio, stripe: StripeStandIn, site: Site
) -> None:
    order = await order_money(await make_buyer(studio), await sell_for_money(client, studio), is_sandbox=False)
    token = await token_of(studio, order, is_sandbox=False)
    reply = await client.post("/paystation4/pay", data={"token": token, "method": "card"})
    assert "Paying by card needs JavaScript here" in reply.text
    assert "script-src 'self' https://js.stripe.com" in reply.headers["content-security-policy"]
