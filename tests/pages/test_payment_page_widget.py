"""XPayStationWidget on a studio's own page: the payment page in a frame or a window, and what the studio is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from test_looks import PHONE
from visits import Site

from make.orders import make_buyer, order_money, sell_for_money
from make.payment_page import token_of
from make.projects import Studio

pytestmark = pytest.mark.browser

OpenShop = Callable[..., Awaitable[Page]]
SHOP = """<!doctype html><title>Shop</title>
<script src="{site}/embed/paystation/1.2.3/widget.min.js"></script>
<button data-xpaystation-widget-open>Buy</button>
<script>
  window.told = [];
  const types = XPayStationWidget.eventTypes;
  for (const type of Object.values(types)) XPayStationWidget.on(type, (event, data) => told.push([event.type, data]));
  XPayStationWidget.init({options});
</script>"""


@pytest.fixture
async def open_shop(browser: Browser, site: Site) -> AsyncIterator[OpenShop]:
    """Opens a studio's page at a site of its own, with the widget in it. It may call this machine alone."""
    faults: list[str] = []
    pages: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(pages[-1])}\r\n\r\n"
        writer.write(head.encode() + pages[-1])
        await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(answer, "127.0.0.1", 0))
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/shop"

        async def open_shop(*, viewport: dict[str, int] | None = None, **options: Any) -> Page:
            pages.append(SHOP.replace("{site}", site.url).replace("{options}", json.dumps(options)).encode())
            size: Any = viewport or {"width": 1280, "height": 800}
            profile = await browser.new_context(viewport=size, reduced_motion="reduce")
            stack.push_async_callback(profile.close)
            known = {urlsplit(site.url).netloc, urlsplit(address).netloc}
            profile.on(
                "request",
                lambda request: None if urlsplit(request.url).netloc in known else faults.append(request.url),
            )
            tab = await profile.new_page()
            tab.on("pageerror", lambda error: faults.append(str(error)))
            tab.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
            await tab.goto(address)
            return tab

        yield open_shop
    assert not faults, "\n".join(faults)


async def told(tab: Page) -> list[Any]:
    """What the widget has told the studio's page: names, and data by name."""
    found: list[Any] = await tab.evaluate("told")
    return found


async def test_widget_in_a_frame(open_shop: OpenShop, client: httpx.AsyncClient, studio: Studio, site: Site) -> None:
    order = await order_money(await make_buyer(studio), await sell_for_money(client, studio), is_sandbox=True)
    token = await token_of(studio, order, settings={"ui": {"layout": "embed"}})
    tab = await open_shop(access_token=token, sandbox=True, lightbox={"width": "640px"})
    await tab.get_by_role("button", name="Buy").click()
    frame = tab.frame_locator("iframe")
    await frame.get_by_label("Card number").press_sequentially("4111111111111111")
    await frame.get_by_label("Expiry date").fill("12/40")
    await frame.get_by_label("Security code").fill("123")
    await frame.get_by_role("button", name="Pay").click()
    await expect(frame.get_by_role("heading", name="Thank you, it is paid")).to_be_visible()
    await tab.wait_for_function("told.some(([type]) => type === 'status-done')")
    found = await told(tab)
    names = [name for name, _ in found if "status" not in name]
    assert names[:3] == ["init", "open", "open-lightbox"]
    # Which of these comes first is the browser's matter.
    assert set(names[3:]) == {"load", "user-country"}
    payment = dict(map(tuple, found))["status-done"]["paymentInfo"]
    assert payment["status"] == "done"
    assert payment["userId"] == order.external_id
    assert isinstance(payment["invoice"], int)
    await tab.get_by_role("dialog").evaluate("(box) => box.focus()")
    await tab.evaluate("document.body.tabIndex = -1, document.body.focus()")
    await tab.keyboard.press("Escape")
    await expect(tab.locator("iframe")).to_have_count(0)
    assert [name for name, _ in await told(tab)][-2:] == ["close", "close-lightbox"]
    await expect(tab.get_by_role("button", name="Buy")).to_be_focused()


@pytest.mark.parametrize(
    ("lightbox", "closes"), [({}, True), ({"closeByKeyboard": False}, False), ({"modal": True}, False)]
)
async def test_widget_closes_by_keyboard_from_within_the_frame(
    open_shop: OpenShop, client: httpx.AsyncClient, studio: Studio, lightbox: dict[str, bool], closes: bool
) -> None:
    order = await order_money(await make_buyer(studio), await sell_for_money(client, studio), is_sandbox=True)
    tab = await open_shop(access_token=await token_of(studio, order), lightbox=lightbox)
    await tab.get_by_role("button", name="Buy").click()
    frame = tab.frame_locator("iframe")
    await frame.get_by_text("Language: English").click()
    # It closes what is nearest: the list of languages, then the page.
    await tab.keyboard.press("Escape")
    await expect(frame.get_by_role("link", name="Deutsch")).to_be_hidden()
    await frame.get_by_label("Card number").press("Escape")
    if closes:
        await expect(tab.locator("iframe")).to_have_count(0)
        await expect(tab.get_by_role("button", name="Buy")).to_be_focused()
    else:
        await tab.wait_for_function("told.some(([type]) => type === 'load')")
        await expect(frame.get_by_label("Card number")).to_be_visible()


async def test_widget_closes_and_returns_for_the_page(
    open_shop: OpenShop, client: httpx.AsyncClient, studio: Studio, site: Site
) -> None:
    order = await order_money(await make_buyer(studio), await sell_for_money(client, studio), is_sandbox=True)
    settings = {
        "ui": {"desktop": {"header": {"close_button": True}}},
        "return_url": f"{site.url}/backpack",
        "redirect_policy": {"redirect_conditions": "any", "delay": 0},
    }
    tab = await open_shop(access_token=await token_of(studio, order, settings=settings))
    await tab.get_by_role("button", name="Buy").click()
    frame = tab.frame_locator("iframe")
    await frame.get_by_role("link", name="Close without paying").click()
    await frame.get_by_role("link", name="Leave").click()
    await expect(tab.locator("iframe")).to_have_count(0)
    await tab.get_by_role("button", name="Buy").click()
    await frame.get_by_text("PayPal", exact=True).click()
    await frame.get_by_role("button", name="Pay").click()
    await frame.get_by_role("button", name="Confirm payment").click()
    # The studio's page goes there, not the frame.
    await tab.wait_for_url(f"{site.url}/backpack?user_id=**&status=done")


async def test_widget_in_a_window_of_its_own(
    open_shop: OpenShop, client: httpx.AsyncClient, studio: Studio, site: Site
) -> None:
    order = await order_money(await make_buyer(studio), await sell_for_money(client, studio), is_sandbox=True)
    tab = await open_shop(viewport=PHONE, access_token=await token_of(studio, order))
    async with tab.expect_popup() as opening:
        await tab.get_by_role("button", name="Buy").click()
    page = await opening.value
    await page.get_by_text("PayPal", exact=True).click()
    await page.get_by_role("button", name="Pay").click()
    await page.get_by_role("button", name="Confirm payment").click()
    await expect(page.get_by_role("heading", name="Thank you, it is paid")).to_be_visible()
    await tab.wait_for_function("told.some(([type]) => type === 'status-done')")
    await page.close()
    await tab.wait_for_function("told.some(([type]) => type === 'close-window')")
