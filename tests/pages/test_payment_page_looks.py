"""How the payment page looks: readable, light and dark, on a phone, in every language, inside a studio's own page."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect
from test_looks import CONTRAST_MIN, CONTRASTS, LONG, PHONE
from visits import OpenTab, Site

from haversack.payments.page.languages import LANGUAGES
from make.orders import make_buyer, order_money, sell_for_money
from make.payment_page import card_form, token_of
from make.payments import CHALLENGED, NEVER, set_tax
from make.projects import Studio

pytestmark = pytest.mark.browser

DARK = "63295aab2e47fab76f7708e3"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def make_token(client: httpx.AsyncClient, studio: Studio, site: Site, **options: Any) -> str:
    """A purchase with names as long as they come, and everything on show that may be."""
    picture = site.picture("stormglass-lantern.webp")
    first = await sell_for_money(client, studio, 1234567.89, name={"en": LONG}, image_url=picture)
    second = await sell_for_money(client, studio, 2, name={"en": "Lamp Oil"})
    await set_tax(studio, "US", "8.88")
    order = await order_money(await make_buyer(studio), (first, 1), (second, 3), is_sandbox=True)
    ui = {"desktop": {"header": {"close_button": True}}, **options.pop("ui", {})}
    settings = {"ui": ui, "return_url": f"{site.url}/backpack", **options}
    return await token_of(studio, order, settings=settings, user={"country": {"value": "US", "allow_modify": True}})


async def visit_pages(client: httpx.AsyncClient, tab: Page, token: str) -> AsyncIterator[str]:
    """Stop at each kind of page, with a refusal on show."""
    await tab.goto(f"/paystation4/?token={token}")
    await tab.locator(".help > summary").click()
    await tab.get_by_role("button", name="Fill in 4000 0000 0000 0002").click()
    await tab.locator("#zip").fill("10001")
    await tab.locator("#pay [type=submit]").click()
    await expect(tab.locator(".alert__title")).to_be_visible()
    await tab.locator("#cvv").fill("1")
    await tab.locator("#cvv").blur()
    await expect(tab.locator("#cvv-problem")).to_be_visible()
    yield "form"
    await tab.locator(".close").click()
    await expect(tab.locator("#leaving")).to_be_visible()
    yield "leaving"
    await tab.goto(f"/paystation4/leave?token={token}&sure=1")
    yield "left"
    await client.post("/paystation4/pay", data=card_form(token, CHALLENGED, zip="10001"))
    await tab.goto(f"/pages/sandbox?token={token}")
    yield "step"
    await tab.locator("#code").fill("1")
    await tab.locator("button[value=confirm]").click()
    await expect(tab.locator("#outcome")).to_have_attribute("data-state", "failed")
    yield "failed"
    await client.post("/paystation4/pay", data=card_form(token, NEVER, zip="10001"))
    await tab.goto(f"/paystation4/status?token={token}")
    yield "processing"
    await tab.goto("/paystation4/?token=lamplight")
    yield "refused"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_text_can_be_read(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site, theme: str
) -> None:
    token = await make_token(client, studio, site, ui={"theme": DARK} if theme == "dark" else {})
    # The studio's choice counts, not the device's.
    tab = await open_tab(color_scheme="light" if theme == "dark" else "dark", viewport={"width": 1280, "height": 800})
    async for name in visit_pages(client, tab, token):
        faint = [found for found in await tab.evaluate(CONTRASTS) if found[1] < CONTRAST_MIN]
        assert not faint, f"{name}: {faint}"
        if name != "refused":
            assert await tab.evaluate("document.documentElement.className") == theme


async def test_phone_needs_no_scrolling_sideways(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site
) -> None:
    token = await make_token(client, studio, site)
    tab = await open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    async for name in visit_pages(client, tab, token):
        assert await tab.evaluate(TOO_WIDE) == 0, name
        small = await tab.evaluate(
            "[...document.querySelectorAll('.button, .method__label, .field input, select, summary, .close')]"
            ".filter((each) => each.checkVisibility())"
            ".map((each) => [each.textContent.trim(), each.getBoundingClientRect().height])"
            ".filter(([, height]) => height < 36)"
        )
        assert small == [], name
        # iPhones zoom in on a field with smaller letters, and stay there.
        zoomed = await tab.locator("input:not([type=hidden], [type=radio], [type=checkbox]), select").evaluate_all(
            "(all) => all.filter((each) => parseFloat(getComputedStyle(each).fontSize) < 16).map((each) => each.id)"
        )
        assert zoomed == [], name


async def test_lines_unfold_on_a_phone(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site
) -> None:
    tab = await open_tab(viewport=PHONE)
    await tab.goto(f"/paystation4/?token={await make_token(client, studio, site)}")
    await expect(tab.get_by_text("Lamp Oil")).to_be_hidden()
    await tab.get_by_text("Show 2 items").click()
    await expect(tab.get_by_text("Lamp Oil")).to_be_visible()
    await tab.set_viewport_size({"width": 1280, "height": 800})
    await expect(tab.get_by_text("Hide 2 items")).to_be_hidden()
    await expect(tab.get_by_text("Lamp Oil")).to_be_visible()


async def test_long_amounts_are_not_torn(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site
) -> None:
    tab = await open_tab(viewport={"width": 320, "height": 700})
    await tab.goto(f"/paystation4/?token={await make_token(client, studio, site)}")
    await tab.get_by_text("Show 2 items").click()
    torn = await tab.locator(".summary__total, .line__amount, .sum dd, [data-button-label]").evaluate_all(
        "(all) => all.map((each) => {"
        "  const range = document.createRange();"
        "  range.selectNodeContents(each);"
        "  return [each.textContent, new Set([...range.getClientRects()].map((line) => line.top)).size];"
        "}).filter(([, lines]) => lines > 1)"
    )
    assert torn == []
    # Nor is the name beside one squeezed to a few letters.
    narrow = await tab.locator(".line__text").evaluate_all("(all) => Math.min(...all.map((each) => each.offsetWidth))")
    assert narrow > 100


async def test_names_are_written_in_their_own_direction(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio
) -> None:
    # "The sun's sword!" in Arabic: its mark stands at its end, which is on the left, in a page in English too.
    name = "\u0633\u064a\u0641 \u0627\u0644\u0634\u0645\u0633!"
    sku = await sell_for_money(client, studio, name={"en": name})
    token = await token_of(studio, await order_money(await make_buyer(studio), sku, is_sandbox=True))
    tab = await open_tab(viewport={"width": 1280, "height": 800})
    await tab.goto(f"/paystation4/?token={token}")
    first, mark = await tab.get_by_text(name).evaluate(
        "(each) => [0, each.textContent.length - 1].map((place) => {"
        "  const range = document.createRange();"
        "  range.setStart(each.firstChild, place);"
        "  range.setEnd(each.firstChild, place + 1);"
        "  return range.getBoundingClientRect().left;"
        "})"
    )
    assert mark < first


@pytest.mark.parametrize("width", [360, 1280])
async def test_every_language_fits(
    open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site, width: int
) -> None:
    token = await make_token(client, studio, site)
    tab = await open_tab(viewport={"width": width, "height": 800})
    for code in LANGUAGES:
        await tab.goto(f"/paystation4/?token={token}&lang={code}")
        assert await tab.evaluate(TOO_WIDE) == 0, code
        await tab.locator(".tongue > summary").click()
        listed = await tab.locator(".tongue__list").bounding_box()
        assert listed is not None
        assert 0 <= listed["x"] <= width - listed["width"], code
        cut = await tab.evaluate(
            "[...document.querySelectorAll('.button, .method__label, dt, label')]"
            ".filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1 && each.clientWidth)"
            ".map((each) => each.textContent.trim())"
        )
        assert cut == [], code


@pytest.mark.parametrize("layout", ["embed", "column_reverse", "embed_column_reverse"])
async def test_layouts(open_tab: OpenTab, client: httpx.AsyncClient, studio: Studio, site: Site, layout: str) -> None:
    token = await make_token(client, studio, site, ui={"layout": layout})
    tab = await open_tab(viewport={"width": 1280, "height": 800})
    await tab.goto(f"/paystation4/?token={token}")
    summary = await tab.locator(".left").bounding_box()
    form = await tab.locator(".right").bounding_box()
    assert summary is not None
    assert form is not None
    if layout == "embed":
        assert summary["y"] + summary["height"] <= form["y"]
    elif layout == "embed_column_reverse":
        assert form["y"] + form["height"] <= summary["y"]
    else:
        assert form["x"] + form["width"] <= summary["x"]
    assert (await tab.locator(".monogram").count() == 0) is layout.startswith("embed")
