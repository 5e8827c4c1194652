"""How the pages look and can be used: by keyboard, on a phone, light and dark."""

from typing import Any

import pytest
from playwright.async_api import Page, expect
from visits import Give, OpenTab, Player, Site

from make.receiver import Receiver, refusal

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
LONG = "Lampenfieberthermometer" * 8
# What a text needs against its ground (WCAG 2.2, 1.4.3), large or not.
CONTRAST_MIN = 4.5
CONTRASTS = """() => {
  const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const parts = (colour) => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = parts(getComputedStyle(element).backgroundColor);
      if (colour[3] > 0.5) return colour;
    }
    return [255, 255, 255];
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((element) => hasText(element) && element.checkVisibility() && !element.closest(".visually-hidden, .skip"))
    .map((element) => {
      const [one, two] = [light(parts(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
      return [element.textContent.trim().slice(0, 40), (one + 0.05) / (two + 0.05)];
    });
}"""


async def fill(give: Give, player: Player, site: Site) -> None:
    """A Backpack with every kind and flow, and words as long as they come."""
    lanternfall = {"game_name": "Lanternfall", "game_image_url": site.picture("cover-lanternfall.webp")}
    await give(player, "game_keys", code="X" * 120, **lanternfall)
    await give(player, "promo_codes", item_name=LONG, game_name=LONG, description=LONG)
    await give(player, "virtual_items", item_name="Ember Moth", **lanternfall)
    await give(player, "virtual_items", platform="steam", **lanternfall)
    await give(player, "virtual_currency", quantity=2**32 - 1)


async def visit_pages(tab: Page, player: Player, game: Receiver) -> Any:
    """Stop at each kind of page, with a refusal on show."""
    await tab.goto("/backpack/sign-in?refused=link")
    yield "sign-in"
    await tab.goto(player.link)
    game.answer_next(refusal("INVALID_USER"))
    moth = tab.locator("[data-item]").filter(has_text="Ember Moth")
    await moth.get_by_role("textbox").fill(LONG)
    await moth.get_by_role("button").click()
    await expect(moth.locator(".refusal")).to_be_visible()
    yield "backpack"
    for path in ("/backpack?item_type=game_key", "/backpack?done=received", "/backpack/link/steam", "/backpack/gone"):
        await tab.goto(path)
        yield path


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read(
    open_tab: OpenTab, give: Give, player: Player, site: Site, game: Receiver, scheme: str
) -> None:
    await fill(give, player, site)
    tab = await open_tab(color_scheme=scheme)
    grounds = set()
    async for name in visit_pages(tab, player, game):
        faint = [found for found in await tab.evaluate(CONTRASTS) if found[1] < CONTRAST_MIN]
        assert not faint, f"{name}: {faint}"
        grounds.add(await tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    (ground,) = grounds
    brightness = sum(int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(",")) / 3
    assert brightness > 200 if scheme == "light" else brightness < 55


async def test_phone_needs_no_scrolling_sideways(
    open_tab: OpenTab, give: Give, player: Player, site: Site, game: Receiver
) -> None:
    await fill(give, player, site)
    tab = await open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    async for name in visit_pages(tab, player, game):
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await tab.evaluate(wide) == 0, name
        assert await tab.evaluate("innerWidth") == PHONE["width"], name
        small = await tab.evaluate(
            "[...document.querySelectorAll('.button, .filter, .field')].filter((each) => each.checkVisibility())"
            ".map((each) => [each.textContent.trim(), each.getBoundingClientRect().height])"
            ".filter(([, height]) => height < 36)"
        )
        assert small == [], name


async def test_keyboard_alone(open_tab: OpenTab, give: Give, player: Player, game: Receiver) -> None:
    code = await give(player, "promo_codes")
    await give(player, "virtual_items", item_name="Ember Moth")
    tab = await open_tab(player=player, permissions=["clipboard-read", "clipboard-write"])
    await tab.keyboard.press("Tab")
    await expect(tab.get_by_role("link", name="Skip to content")).to_be_focused()
    await expect(tab.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("main")).to_be_focused()
    names = []
    while "Copy code" not in (names[-1] if names else ""):
        assert len(names) < 12, names
        await tab.keyboard.press("Tab")
        names.append(await tab.evaluate("(document.activeElement.innerText || '').trim().replace(/\\s+/g, ' ')"))
        assert await tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", names
    # The newest comes first: the item's field and button lie between the filters and the code.
    assert names[:3] == ["All 2", "Promo codes 1", "Items 1"]
    assert names[4] == "Receive item Ember Moth"
    await tab.keyboard.press("Enter")
    await expect(tab.locator(f"#item-{code['item_id']}").get_by_role("button")).to_contain_text("Copied")
    await tab.keyboard.press("Shift+Tab")
    await tab.keyboard.press("Shift+Tab")
    await expect(tab.get_by_role("textbox")).to_be_focused()
    await tab.keyboard.type("hero-7")
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("heading", name="Ember Moth")).to_have_count(0)
    # The focus goes on to the neighbour: nobody is thrown back to the top of the page.
    await expect(tab.get_by_role("heading", name="Crate")).to_be_focused()


async def test_receiving_with_motion(open_tab: OpenTab, give: Give, player: Player, game: Receiver) -> None:
    await give(player, "virtual_items")
    tab = await open_tab(player=player, reduced_motion="no-preference")
    await tab.get_by_role("textbox").fill("hero-7")
    await tab.get_by_role("button", name="Receive item").click()
    await expect(tab.locator("[data-item]")).to_have_count(0)
