"""The Backpack page in a real browser: what a player sees, does and is told."""

from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, Route, expect
from visits import PASSWORD, Give, OpenTab, Player, Site, make_player, send_again

from make.inventory import make_currency
from make.projects import Studio
from make.receiver import Answer, Receiver, refusal

pytestmark = pytest.mark.browser

PLAYER_ID = "Your player id in Lanternfall"
UNKNOWN_PLAYER = "The game does not know this player id."


def card(tab: Page, item: dict[str, Any]) -> Locator:
    """The card of an item."""
    return tab.locator(f"#item-{item['item_id']}")


async def give_lamp(give: Give, player: Player, **changes: Any) -> dict[str, Any]:
    """Put an item of the game Lanternfall into the Backpack."""
    given = {"item_name": "Stormglass Lantern", "game_name": "Lanternfall", **changes}
    return await give(player, "virtual_items", **given)


async def test_sign_in_and_out(open_tab: OpenTab, studio: Studio, give: Give) -> None:
    player = await make_player(studio, password=PASSWORD)
    await give_lamp(give, player)
    tab = await open_tab()
    await tab.goto(f"/backpack?login={studio.login_project_id}")
    await expect(tab.get_by_label("Username or email")).to_be_focused()
    await tab.keyboard.type(player.name)
    await tab.keyboard.press("Tab")
    await tab.keyboard.type("lamplight")
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("alert")).to_have_text("Wrong username or password.")
    await expect(tab.get_by_label("Password")).to_be_focused()
    await tab.keyboard.type(PASSWORD)
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("heading", name="Stormglass Lantern")).to_be_visible()
    await expect(tab.get_by_role("banner")).to_contain_text(player.name)
    await tab.get_by_role("button", name="Sign out").click()
    await expect(tab.get_by_role("heading", name="Open your Backpack")).to_be_visible()
    await tab.go_back()
    await expect(tab.get_by_role("heading", name="Stormglass Lantern")).to_have_count(0)


async def test_link_of_a_game_leaves_no_token_behind(open_tab: OpenTab, player: Player, site: Site) -> None:
    tab = await open_tab(player=player)
    assert tab.url == f"{site.url}/backpack"
    await expect(tab.get_by_role("heading", name="Your Backpack is empty")).to_be_visible()
    await tab.goto("/backpack?token=lamplight")
    assert tab.url == f"{site.url}/backpack/sign-in?refused=link"
    await expect(tab.get_by_role("alert")).to_contain_text("This link no longer works.")


async def test_items_by_game_with_their_pictures(open_tab: OpenTab, give: Give, player: Player, site: Site) -> None:
    cover = site.picture("cover-lanternfall.webp")
    lamp = await give_lamp(give, player, image_url=site.picture("stormglass-lantern.webp"), game_image_url=cover)
    pearls = {"item_name": "Pearls", "quantity": 2400, "image_url": site.picture("tide-pearls.webp")}
    await give(player, "virtual_currency", game_name="Lanternfall", **pearls)
    await give(player, "promo_codes", image_url="http://127.0.0.1:1/lamp.png")
    tab = await open_tab(player=player, viewport={"width": 1280, "height": 1600})
    shelf = tab.get_by_role("region", name="Lanternfall")
    await expect(shelf.get_by_role("listitem")).to_have_count(2)
    await expect(shelf).to_contain_text("2 items")
    await expect(shelf.get_by_text("2,400")).to_be_visible()
    await expect(tab.get_by_role("region").last).to_contain_text("For any game")
    pictures = "[...document.images].filter((image) => image.src.includes('/images/'))"
    shown = await tab.evaluate(
        f"Promise.allSettled({pictures}.map((image) => image.decode())).then(() =>"
        f" {pictures}.map((image) => [image.currentSrc.split('?')[1], image.naturalWidth > 0]))"
    )
    # One cannot be fetched: its card shows the ground drawn for that.
    assert sorted(shown) == [
        ["w=1240&h=466", True],
        ["w=620&h=233", False],
        ["w=620&h=233", True],
        ["w=620&h=233", True],
    ]
    size = await card(tab, lamp).locator(".card__picture").bounding_box()
    assert size is not None
    assert size["width"] / size["height"] == pytest.approx(8 / 3, rel=0.01)


async def test_code_is_copied_with_one_click(open_tab: OpenTab, give: Give, player: Player) -> None:
    code = await give(player, "promo_codes", promo_code="KeepTheLight25")
    tab = await open_tab(player=player, permissions=["clipboard-read", "clipboard-write"])
    button = card(tab, code).get_by_role("button")
    await button.click()
    await expect(button).to_contain_text("Copied")
    assert await tab.evaluate("navigator.clipboard.readText()") == "KeepTheLight25"
    await expect(tab.locator("#announce")).to_have_text("Code copied")
    assert await card(tab, code).get_by_text("Receive item").count() == 0


async def test_code_is_copied_without_the_clipboard_interface(open_tab: OpenTab, give: Give, player: Player) -> None:
    # As on plain http at a name of one's own network: there is no navigator.clipboard.
    code = await give(player, "game_keys", code="LNTF7-Q2MK9")
    tab = await open_tab(player=player)
    await tab.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await card(tab, code).get_by_role("button").click()
    assert await tab.evaluate("getSelection().toString()") == "LNTF7-Q2MK9"


async def test_refused_id_and_then_received(open_tab: OpenTab, give: Give, player: Player, game: Receiver) -> None:
    first = await give_lamp(give, player)
    second = await give_lamp(give, player, item_name="Ember Moth")
    other_game = await give_lamp(give, player, item_name="Compass", game_name="Cirrus Couriers")
    tab = await open_tab(player=player)
    field = card(tab, first).get_by_label(PLAYER_ID)
    button = card(tab, first).get_by_role("button", name="Receive item Stormglass Lantern")
    message = card(tab, first).locator(".refusal")

    await button.click()
    await expect(message).to_contain_text("Enter your player id first.")
    await expect(field).to_be_focused()
    assert game.received == []

    game.answer_next(refusal("INVALID_USER"))
    await field.fill("stranger")
    await button.click()
    await expect(message).to_contain_text(UNKNOWN_PLAYER)
    await expect(message).to_be_in_viewport(ratio=1)
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description(
        "The game does not know this player id. Check it in the game's settings and try again."
    )
    await expect(button).to_be_enabled()

    await field.fill("hero-7")
    await button.click()
    await expect(card(tab, first)).to_have_count(0)
    await expect(tab.get_by_text("Received. Look in your game.")).to_be_visible()
    await expect(tab.locator("#filters")).to_contain_text("All 2")
    # The id is remembered for the game's other items, and for no other game's.
    await expect(card(tab, second).get_by_label(PLAYER_ID)).to_have_value("hero-7")
    await expect(card(tab, other_game).get_by_role("textbox")).to_have_value("")
    assert [each.json["user"] for each in game.received[1:]] == [{"id": "hero-7"}, {"external_id": "hero-7"}]


async def test_button_is_blocked_while_the_game_is_asked(
    open_tab: OpenTab, give: Give, player: Player, game: Receiver
) -> None:
    lamp = await give_lamp(give, player)
    game.answer_next(Answer(delay_seconds=0.5))
    tab = await open_tab(player=player)
    field = card(tab, lamp).get_by_label(PLAYER_ID)
    button = card(tab, lamp).get_by_role("button")
    await field.fill("hero-7")
    await button.click()
    await expect(button).to_be_disabled()
    await expect(button).to_contain_text("Receiving…")
    await field.press("Enter")
    await expect(card(tab, lamp)).to_have_count(0)
    assert len(game.received) == 2
    await expect(tab.get_by_role("heading", name="Your Backpack is empty")).to_be_visible()


async def test_game_away(open_tab: OpenTab, give: Give, player: Player, game: Receiver) -> None:
    lamp = await give_lamp(give, player)
    game.answer_next(Answer(500))
    tab = await open_tab(player=player)
    await card(tab, lamp).get_by_label(PLAYER_ID).fill("hero-7")
    await card(tab, lamp).get_by_role("button").click()
    message = card(tab, lamp).locator(".refusal")
    await expect(message).to_have_text("The game cannot be reached right now. Your item stays here; try again later.")
    await expect(message).to_be_focused()
    await card(tab, lamp).get_by_role("button").click()
    await expect(card(tab, lamp)).to_have_count(0)


async def test_haversack_away(open_tab: OpenTab, give: Give, player: Player, game: Receiver) -> None:
    lamp = await give_lamp(give, player)
    tab = await open_tab(player=player)
    await card(tab, lamp).get_by_label(PLAYER_ID).fill("hero-7")
    message = card(tab, lamp).locator(".refusal")
    await tab.route("**/receive", lambda route: route.abort())
    await card(tab, lamp).get_by_role("button").click()
    await expect(message).to_contain_text("Haversack could not be reached.")
    await tab.unroute("**/receive")
    await tab.route("**/receive", lambda route: route.fulfill(status=503, body="<p>Back in a moment"))
    await card(tab, lamp).get_by_role("button").click()
    await expect(message).to_contain_text("Something is wrong on our side right now.")
    await tab.unroute("**/receive")
    await tab.route("**/receive", lambda route: route.fulfill(status=502, json={"detail": "Bad gateway"}))
    await card(tab, lamp).get_by_label(PLAYER_ID).fill("hero-8")
    await card(tab, lamp).get_by_role("button").click()
    await expect(message).to_contain_text("Something is wrong on our side right now.")
    await expect(card(tab, lamp).get_by_label(PLAYER_ID)).to_have_value("hero-8")


async def test_held_item_leaves_when_the_game_has_confirmed(
    open_tab: OpenTab, give: Give, player: Player, game: Receiver
) -> None:
    lamp = await give_lamp(give, player)
    game.answer_next(Answer(), Answer(500))
    tab = await open_tab()
    await tab.clock.install()
    await tab.goto(player.link)
    await card(tab, lamp).get_by_label(PLAYER_ID).fill("hero-7")
    await card(tab, lamp).get_by_role("button").click()
    await expect(tab.locator("#notice")).to_contain_text("Sent, and waiting for the game to confirm.")
    await tab.clock.fast_forward(2_500)
    await expect(card(tab, lamp)).to_contain_text("waiting for Lanternfall to confirm")
    await expect(card(tab, lamp).get_by_role("button")).to_have_count(0)
    await send_again(player.studio)
    await tab.clock.fast_forward(3_500)
    await expect(tab.locator("#notice")).to_contain_text("Stormglass Lantern has been received.")
    await expect(card(tab, lamp)).to_have_count(0)


async def test_platform_item_after_linking(
    open_tab: OpenTab, give: Give, client: httpx.AsyncClient, player: Player, game: Receiver
) -> None:
    studio = player.studio
    compass = await give_lamp(give, player, item_name="Compass", platform="steam")
    tab = await open_tab(player=player, permissions=["clipboard-read", "clipboard-write"])
    await card(tab, compass).get_by_role("link", name="Link your Steam account").click()
    await expect(tab.get_by_role("heading", name="Link your Steam account")).to_be_visible()
    await tab.get_by_role("button", name="Copy").click()
    await expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    code = await tab.evaluate("navigator.clipboard.readText()")
    assert code == (await tab.locator(".digits").inner_text()).replace("\n", "")
    body = {"user_id": "7656119", "platform": "steam", "code": code}
    headers = await studio.server_headers(client)
    linked = await client.post("/api/users/account/link", json=body, headers=headers)
    assert linked.status_code == 204, linked.text
    await tab.get_by_role("link", name="Back to Backpack").click()
    await expect(card(tab, compass)).to_contain_text("Steam account 7656119")
    await card(tab, compass).get_by_role("button").click()
    await expect(card(tab, compass)).to_have_count(0)
    assert game.received[0].json["user"]["id"] == "7656119"


async def test_wallet_currency(open_tab: OpenTab, give: Give, player: Player) -> None:
    await make_currency(player.studio, "glim", "Glims")
    glims = await give(player, "virtual_currency", item_sku="glim")
    tab = await open_tab(player=player)
    await card(tab, glims).get_by_role("button").click()
    await expect(tab.get_by_text("Received. It is in your wallet now.")).to_be_visible()
    await expect(card(tab, glims)).to_have_count(0)


async def test_filter(open_tab: OpenTab, give: Give, player: Player, site: Site) -> None:
    lamp = await give_lamp(give, player)
    key = await give(player, "game_keys")
    tab = await open_tab(player=player)
    await tab.get_by_role("link", name="Game keys").click()
    await expect(tab.locator("[data-item]")).to_have_count(1)
    await expect(card(tab, key)).to_be_visible()
    assert tab.url == f"{site.url}/backpack?item_type=game_key"
    await expect(tab.get_by_role("link", name="Game keys")).to_be_focused()
    await expect(tab.locator("#announce")).to_have_text("1 item")
    await tab.go_back()
    await expect(card(tab, lamp)).to_be_visible()
    await expect(tab.get_by_role("link", name="All")).to_have_attribute("aria-current", "page")


async def test_skeleton_while_a_filter_loads(open_tab: OpenTab, give: Give, player: Player) -> None:
    await give_lamp(give, player)
    tab = await open_tab(player=player)
    held_back: list[Route] = []
    await tab.route("**/backpack?item_type=*", lambda route: held_back.append(route))
    await tab.get_by_role("link", name="Items").click()
    await expect(tab.locator("#shelves")).to_have_attribute("aria-busy", "true")
    await expect(tab.locator(".skeleton").first).to_be_visible()
    await held_back[0].continue_()
    await expect(tab.locator("#shelves [data-item]")).to_have_count(1)
    await expect(tab.locator("#shelves")).not_to_have_attribute("aria-busy", "true")


async def test_empty_backpack(open_tab: OpenTab, player: Player) -> None:
    tab = await open_tab(player=player)
    await expect(tab.get_by_role("main")).to_contain_text("choose Move to Backpack")
    await expect(tab.get_by_role("navigation")).to_have_count(0)


async def test_without_script(open_tab: OpenTab, give: Give, player: Player, game: Receiver) -> None:
    lamp = await give_lamp(give, player)
    tab = await open_tab(player=player, java_script_enabled=False)
    field = card(tab, lamp).get_by_label(PLAYER_ID)
    game.answer_next(refusal("INVALID_USER"))
    await field.fill("stranger")
    await field.press("Enter")
    await expect(card(tab, lamp).locator(".refusal")).to_contain_text(UNKNOWN_PLAYER)
    await expect(field).to_have_value("stranger")
    await field.fill("hero-7")
    await field.press("Enter")
    await expect(tab.get_by_role("heading", name="Your Backpack is empty")).to_be_visible()
    await expect(tab.get_by_text("Received. Look in your game.")).to_be_visible()


async def test_signed_out_in_another_tab(open_tab: OpenTab, give: Give, player: Player, game: Receiver) -> None:
    lamp = await give_lamp(give, player)
    tab = await open_tab(player=player)
    await tab.context.clear_cookies(name="haversack_player")
    await card(tab, lamp).get_by_label(PLAYER_ID).fill("hero-7")
    await card(tab, lamp).get_by_role("button").click()
    await expect(tab.get_by_role("heading", name="Open your Backpack")).to_be_visible()
    assert game.received == []
