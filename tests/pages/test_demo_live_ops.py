"""The demo's live-ops: seen in its shop at once, used by its player, shown on its payment page, made only once."""

import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from playwright.async_api import expect
from test_looks import CONTRAST_MIN, CONTRASTS, PHONE
from visits import OpenTab, Site

from haversack.catalog.transfer.actions import write_catalog
from haversack.clock import real_now
from haversack.demo.live_ops.promotions import COUPON_CODE, KEEPERS_SKU, OFFER_CODE, OFFERED_SKU, PROMO_CODE
from haversack.demo.live_ops.promotions import UPSELL_SKUS as OFFERED_BESIDE
from haversack.demo.live_ops.seed import add_live_ops
from haversack.demo.seed import DEMO_FILE, Demo, demo_player_token, read_demo, seed_demo
from haversack.demo.shop import demo_shop
from haversack.private_files import write_private_file
from make.projects import Studio

LANTERN = "lanternfall.stormglass-lantern"
SWIFT = "cirrus-couriers.tam-messenger-swift"
OIL = "lanternfall.lamp-oil"
DESK = {"width": 1280, "height": 800}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Shopper:
    """A player at the demo's shop."""

    def __init__(self, client: httpx.AsyncClient, project_id: int, token: str) -> None:
        self._client = client
        self._store = f"/api/v2/project/{project_id}"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        reply = await self._client.request(
            method, self._store + path, json=body, headers=self._headers, params=parameters
        )
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    async def skus(self, **parameters: Any) -> set[str]:
        shown = await self.ask("GET", "/items/virtual_items", limit=50, **parameters)
        return {item["sku"] for item in shown["items"]}

    async def order_of_cart(self, *skus: str) -> dict[str, Any]:
        """An unpaid order with the promo code."""
        for sku in skus:
            await self.ask("PUT", f"/cart/item/{sku}", {"quantity": 1})
        await self.ask("POST", "/promocode/redeem", {"coupon_code": PROMO_CODE})
        placed: dict[str, Any] = await self.ask("POST", "/payment/cart", {"sandbox": True})
        return placed


async def shopper(client: httpx.AsyncClient, site: Site, demo: Demo) -> Shopper:
    """A fresh player, without the attributes of the demo's."""
    token = await demo_player_token(site.context, replace(demo, player_id=str(uuid4())))
    return Shopper(client, demo.project_id, token)


async def test_the_shop_shows_what_goes_on(client: httpx.AsyncClient, site: Site, demo: Demo) -> None:
    anyone = await shopper(client, site, demo)
    lantern = await anyone.ask("GET", f"/items/sku/{LANTERN}")
    assert (lantern["price"]["amount"], lantern["price"]["amount_without_discount"]) == ("6.39", "7.99")
    names = {promotion["name"] for promotion in lantern["promotions"]}
    assert names == {"Full Moon Sale", "Oil with every lantern"}
    assert [(points["sku"], points["amount"]) for points in lantern["vp_rewards"]] == [("lamplight", 80)]
    beside = await anyone.ask("GET", "/items/upsell")
    assert [item["sku"] for item in beside["items"]] == list(OFFERED_BESIDE)


async def test_who_sees_what(client: httpx.AsyncClient, site: Site, demo: Demo) -> None:
    juno = Shopper(client, demo.project_id, await demo_player_token(site.context, demo))
    other = await shopper(client, site, demo)
    assert {KEEPERS_SKU} == await juno.skus() - await other.skus()
    assert {OFFERED_SKU} == await other.skus(promo_code=OFFER_CODE) - await other.skus()


async def test_an_order_with_the_promo_code(client: httpx.AsyncClient, site: Site, demo: Demo) -> None:
    buyer = await shopper(client, site, demo)
    placed = await buyer.order_of_cart(LANTERN, SWIFT)
    cart = (await buyer.ask("GET", f"/order/{placed['order_id']}"))["content"]
    # 7.99 less a fifth less a tenth, 4.99 less a tenth.
    assert cart["price"]["amount"] == "10.24"
    reply = await client.post("/paystation4/pay", data=card_form_of(placed["token"]))
    assert reply.status_code == 303, reply.text
    owned = (await buyer.ask("GET", "/user/inventory/items"))["items"]
    # The bonus, too: two bottles of three fillings each.
    assert sorted((item["sku"], item["remaining_uses"]) for item in owned) == [
        (SWIFT, 1),
        (OIL, 3),
        (OIL, 3),
        (LANTERN, 1),
    ]
    [chain] = (await buyer.ask("GET", "/user/reward_chain"))["items"]
    assert chain["value_point"]["amount"] == 80
    first = chain["steps"][0]["step_id"]
    await buyer.ask("POST", f"/user/reward_chain/{chain['reward_chain_id']}/step/{first}/claim")


def card_form_of(token: str) -> dict[str, str]:
    return {
        "token": token,
        "method": "card",
        "number": "4111 1111 1111 1111",
        "expiry": "12 / 40",
        "cvv": "123",
        "zip": "10001",
    }


async def test_the_coupon_a_day_and_an_offer(client: httpx.AsyncClient, site: Site, demo: Demo) -> None:
    player = await shopper(client, site, demo)
    given = await player.ask("POST", "/coupon/redeem", {"coupon_code": COUPON_CODE})
    assert {item["sku"] for item in given["items"]} == {"glim-300", "lanternfall.signal-flare"}
    [days] = (await player.ask("GET", "/user/daily_chain"))["items"]
    assert [step["status"] for step in days["steps"]] == ["claimable", *["claim_in_future"] * 4]
    await player.ask("POST", f"/user/daily_chain/{days['id']}/step/number/1/claim")
    [offers] = (await player.ask("GET", "/user/offer_chain"))["items"]
    assert [step["is_free"] for step in offers["steps"]] == [True, False, True]
    await player.ask("POST", f"/user/offer_chain/{offers['id']}/step/number/1/claim")
    paid = await player.ask("POST", f"/user/offer_chain/{offers['id']}/step/number/2/order", {"sandbox": True})
    assert paid["order_id"] > 0
    balances = (await player.ask("GET", "/user/virtual_currency_balance"))["items"]
    assert {each["sku"]: each["amount"] for each in balances if each["amount"]} == {"glim": 300, "brass-feathers": 20}


@pytest.mark.browser
@pytest.mark.parametrize("view", [DESK, PHONE], ids=["desk", "phone"])
async def test_the_payment_page_shows_discounts_and_bonuses(
    open_tab: OpenTab, client: httpx.AsyncClient, site: Site, demo: Demo, view: dict[str, int]
) -> None:
    placed = await (await shopper(client, site, demo)).order_of_cart(LANTERN, SWIFT)
    tab = await open_tab(viewport=view)
    for code, bonus in (("en", "Bonus"), ("es", "De regalo")):
        await tab.goto(f"/paystation4/?token={placed['token']}&lang={code}")
        if view == PHONE:
            await tab.locator(".unfold > summary").click()
        bought, swift, oil = [tab.locator(".line").nth(place) for place in range(3)]
        await expect(bought.locator("s.line__before")).to_contain_text("7")
        await expect(bought.locator("s.line__before")).to_have_css("text-decoration-line", "line-through")
        await expect(swift.locator("s.line__before")).to_be_visible()
        await expect(tab.locator(".line__bonus")).to_have_text([bonus])
        await expect(oil.locator(".line__bonus")).to_be_visible()
        await expect(oil.locator("s")).to_have_count(0)
        await expect(tab.locator(".sum--saved")).to_be_visible()
        faint = [found for found in await tab.evaluate(CONTRASTS) if found[1] < CONTRAST_MIN]
        assert not faint
        assert await tab.evaluate(TOO_WIDE) == 0
        # What the select asks is not cut off.
        chosen = await tab.locator("#country").evaluate(
            "(each) => { const copy = each.cloneNode(); copy.replaceChildren(each.selectedOptions[0].cloneNode(true));"
            " copy.style.cssText = 'width: auto; position: absolute'; each.parentElement.append(copy);"
            " const wanted = copy.offsetWidth; copy.remove(); return [wanted, each.offsetWidth]; }"
        )
        assert chosen[0] <= chosen[1], code


async def promotions_of(studio: Studio, client: httpx.AsyncClient) -> list[dict[str, Any]]:
    path = f"/api/v3/project/{studio.project_id}/admin/promotion"
    reply = await client.get(path, auth=studio.basic)
    assert reply.status_code == 200, reply.text
    return list(reply.json()["promotions"])


async def older_demo(studio: Studio, folder: Path, site: Site) -> Demo:
    """What a folder says of a demo that was made of a studio."""
    demo = Demo(
        project_id=studio.project_id,
        merchant_id=studio.merchant_id,
        login_project_id=str(studio.login_project_id),
        client_id=studio.client_id,
        player_id=str(UUID(int=1)),
        api_key=studio.api_key,
        merchant_key=studio.merchant_key,
        host_id=str(studio.host_id),
        client_secret=studio.client_secret,
        webhook_secret="",
        public_url=site.url,
    )
    write_private_file(folder / DEMO_FILE, orjson.dumps(asdict(demo)))
    return demo


async def test_a_demo_of_before_gets_them_once(
    site: Site, studio: Studio, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    own = replace(site.context, settings=site.context.settings.model_copy(update={"data_folder": tmp_path}))
    demo = await older_demo(studio, tmp_path, site)
    assert await write_catalog(own, studio.project_id, demo_shop(site.picture), now=real_now()) == []
    assert await seed_demo(own) == demo
    assert len(await promotions_of(studio, client)) == 5
    welcome = f"/api/v3/project/{studio.project_id}/admin/promocode/welcome"
    reply = await client.delete(welcome, auth=studio.basic)
    assert reply.status_code == 204, reply.text
    assert await seed_demo(own) == demo == read_demo(tmp_path)
    assert len(await promotions_of(studio, client)) == 4, "what was deleted stays deleted"


async def test_a_demo_whose_shop_was_changed_goes_without(
    site: Site, studio: Studio, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """They are about items: where one is gone, nothing is made, and the server starts."""
    shop = demo_shop(site.picture)
    items = [item for item in shop.items if item.sku != KEEPERS_SKU]
    less = replace(shop, items=items, total=len(items))
    assert await write_catalog(site.context, studio.project_id, less, now=real_now()) == []
    project = await site.context.directory.find_project(studio.project_id)
    assert project is not None
    with caplog.at_level(logging.WARNING, logger="haversack"):
        await add_live_ops(site.context, project, UUID(int=1), site.picture)
    assert "goes without live-ops" in caplog.text
    assert KEEPERS_SKU in caplog.text
    assert await promotions_of(studio, client) == []
