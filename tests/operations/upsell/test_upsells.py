"""Upsells: how a studio sets one up, and what players are offered by each type."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from haversack.clock import real_now
from haversack.context import Context
from make import catalog
from make.client_catalog import catalog_path, freeze, id_of, new_player, sell, sell_out, use
from make.orders import Buyer, make_buyer, order_money, pay, refund, sell_for_money
from make.orders import payment_of as made_payment
from make.projects import Studio
from make.promotions import bonus, discount, make_promotion


def path(studio: Studio, rest: str = "") -> str:
    """Where a studio sets its upsell up."""
    return f"/api/v2/project/{studio.project_id}/admin/items/upsell{rest}"


async def save(
    client: httpx.AsyncClient, studio: Studio, type_: str, *skus: str, method: str = "POST", **changes: Any
) -> httpx.Response:
    """Set the upsell up."""
    body = {"type": type_, "is_enabled": True, "items": list(skus), **changes}
    return await client.request(method, path(studio), json=body, auth=studio.basic)


async def set_up(client: httpx.AsyncClient, studio: Studio, type_: str, *skus: str, **changes: Any) -> None:
    """The same, which must succeed."""
    reply = await save(client, studio, type_, *skus, **changes)
    assert (reply.status_code, reply.content) == (202, b""), reply.text


async def configurations(client: httpx.AsyncClient, studio: Studio) -> list[dict[str, Any]]:
    """What the studio reads."""
    reply = await client.get(path(studio), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()
    return found


async def offered(client: httpx.AsyncClient, buyer: Buyer, **parameters: Any) -> dict[str, Any]:
    """What a player's shop reads."""
    reply = await client.get(catalog_path(buyer.studio, "/upsell"), params=parameters, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def skus_offered(client: httpx.AsyncClient, buyer: Buyer, **parameters: Any) -> list[str]:
    """The SKUs of it, in order."""
    return [item["sku"] for item in (await offered(client, buyer, **parameters))["items"]]


async def test_get_upsell_configurations_for_project_admin(client: httpx.AsyncClient, studio: Studio) -> None:
    assert await configurations(client, studio) == []
    item = await sell(client, studio, catalog.virtual_item(name={"en": "Lamp"}))
    gone = await sell(client, studio, catalog.virtual_item())
    bundle = await sell(client, studio, catalog.bundle(item), "bundle")
    game = await sell(client, studio, catalog.game(catalog.game_key("steam")), "game")
    await set_up(client, studio, "fixed_list", bundle, gone, item, game, item)
    deleted = await client.delete(catalog.admin_path(studio, "virtual_item", f"/sku/{gone}"), auth=studio.basic)
    assert deleted.status_code == 204
    (found,) = await configurations(client, studio)
    assert (found["type"], found["is_enabled"]) == ("fixed_list", True)
    first, second, third = found["items"]
    assert (first["sku"], first["type"], first["bundle_type"]) == (bundle, "bundle", "standard")
    assert second == {
        "item_id": await id_of(client, studio, item),
        "sku": item,
        "type": "virtual_good",
        "name": {"en": "Lamp"},
    }
    assert (third["sku"], third["type"], third["unit_type"]) == (game, "unit", "game")
    (key,) = third["unit_items"]
    assert (key["type"], key["drm_sku"], key["drm_name"]) == ("game_key", "steam", "Steam")


async def test_post_upsell(client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context) -> None:
    item = await sell(client, studio, catalog.virtual_item())
    await set_up(client, studio, "fixed_list", item)
    await set_up(client, studio, "most_sellable", is_enabled=False, items=None)
    assert await configurations(client, studio) == [{"type": "most_sellable", "is_enabled": False, "items": []}]
    assert await configurations(client, other_studio) == []
    async with context.database.connection() as connection:
        rows = await connection.fetch("SELECT sentence FROM audit_entries WHERE project_id = $1", studio.project_id)
    assert [row["sentence"] for row in rows].count("upsell set up") == 2


async def test_put_upsell(client: httpx.AsyncClient, studio: Studio) -> None:
    one, two = [await sell(client, studio, catalog.virtual_item()) for _ in range(2)]
    await set_up(client, studio, "fixed_list", one)
    await set_up(client, studio, "fixed_list", two, one, method="PUT")
    (found,) = await configurations(client, studio)
    assert [item["sku"] for item in found["items"]] == [two, one]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_unknown_items(client: httpx.AsyncClient, studio: Studio, other_studio: Studio, method: str) -> None:
    known = await sell(client, studio, catalog.virtual_item())
    foreign = await sell(client, other_studio, catalog.virtual_item())
    reply = await save(client, studio, "fixed_list", foreign, known, "nothing", method=method)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 9901)
    assert reply.json()["errorMessage"] == f"[0401-4001]: Items weren't found: {foreign}, nothing"
    assert await configurations(client, studio) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "fixed_list", "is_enabled": True}, "items"),
        ({"type": "fixed_list", "is_enabled": True, "items": []}, "items"),
        ({"type": "fixed_list", "is_enabled": True, "items": None}, "items"),
        ({"type": "fixed_list", "is_enabled": True, "items": ["a b"]}, "items.0"),
        ({"type": "fixed_list", "is_enabled": True, "items": ["a"] * 201}, "items"),
        ({"type": "fixed_list", "is_enabled": "perhaps", "items": ["a"]}, "is_enabled"),
        ({"type": "most_sellable"}, "is_enabled"),
        ({"type": "cheapest", "is_enabled": True}, "type"),
        ({"is_enabled": True}, "type"),
        ({"type": "most_sellable", "is_enabled": True, "count": 5}, "count"),
    ],
)
async def test_bad_upsells(client: httpx.AsyncClient, studio: Studio, body: dict[str, Any], field: str) -> None:
    for method in ("POST", "PUT"):
        reply = await client.request(method, path(studio), json=body, auth=studio.basic)
        assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
        named = [fault["property"] for fault in reply.json()["errorMessageExtended"]]
        assert field in named, named
    assert await configurations(client, studio) == []


async def test_put_upsell_toggle_active_inactive(client: httpx.AsyncClient, studio: Studio) -> None:
    async def switch(toggle: str) -> int:
        return (await client.put(path(studio, f"/{toggle}"), auth=studio.basic)).status_code

    assert await switch("activate") == 422, "there is none"
    item = await sell(client, studio, catalog.virtual_item())
    buyer = await make_buyer(studio)
    await set_up(client, studio, "fixed_list", item)
    assert await switch("deactivate") == 202
    assert (await configurations(client, studio))[0]["is_enabled"] is False
    assert await skus_offered(client, buyer) == []
    assert await switch("activate") == 202
    assert await skus_offered(client, buyer) == [item]
    assert await switch("maybe") == 422


async def test_who_may_call(client: httpx.AsyncClient, studio: Studio) -> None:
    item = await sell(client, studio, catalog.virtual_item())
    _, headers = await new_player(studio)
    client_path = catalog_path(studio, "/upsell")
    for method, where in (("GET", path(studio)), ("POST", path(studio)), ("PUT", path(studio, "/activate"))):
        bare = await client.request(method, where)
        assert (bare.status_code, bare.json()["errorCode"]) == (401, 1501)
        assert (await client.request(method, where, headers=headers)).status_code == 401, "players set nothing up"
    bare = await client.get(client_path)
    assert (bare.status_code, bare.json()["errorCode"]) == (401, 1501)
    assert (await client.get(client_path, auth=studio.basic)).status_code == 401
    await set_up(client, studio, "fixed_list", item)
    assert (await client.get(client_path, headers=headers)).status_code == 200


async def test_get_upsell_for_project_client(client: httpx.AsyncClient, studio: Studio) -> None:
    buyer = await make_buyer(studio)
    assert await offered(client, buyer) == {"has_more": False, "items": [], "total_items_count": 0}
    skus = [await sell(client, studio, catalog.virtual_item(name={"en": "Lamp", "de": "Lampe"})) for _ in range(3)]
    game = catalog.game(catalog.game_key("steam"))
    await sell(client, studio, game, "game")
    key = game["unit_items"][0]["sku"]
    hidden = await sell(client, studio, catalog.virtual_item(is_show_in_store=False))
    wanted = [skus[2], hidden, skus[0], game["sku"], skus[1]]
    await set_up(client, studio, "fixed_list", *wanted)
    assert await skus_offered(client, buyer) == [skus[2], skus[0], key, skus[1]]
    page = await offered(client, buyer, limit=1, offset=1, locale="de")
    assert (page["has_more"], page["total_items_count"]) == (True, 4)
    (shown,) = page["items"]
    assert (shown["sku"], shown["name"]) == (skus[0], "Lampe")
    sellable = await client.get(catalog_path(studio, f"/sku/{skus[0]}"), params={"locale": "de"}, headers=buyer.headers)
    assert {**shown, "custom_attributes": {}} == {**sellable.json(), "custom_attributes": {}}, "as the catalog has it"


async def test_what_cannot_be_had_is_not_offered(client: httpx.AsyncClient, studio: Studio) -> None:
    buyer, other = await make_buyer(studio), await make_buyer(studio)
    limited = await sell(client, studio, catalog.virtual_item(limits={"per_user": 3}))
    scarce = await sell(client, studio, catalog.virtual_item(limits={"per_item": 1}))
    later = await sell(
        client, studio, catalog.virtual_item(periods=[{"date_from": "2199-01-01T00:00:00Z", "date_until": None}])
    )
    await set_up(client, studio, "fixed_list", limited, scarce, later)
    assert await skus_offered(client, buyer) == [limited, scarce]
    await sell_out(studio, await id_of(client, studio, scarce))
    await use(studio, buyer.player_id, await id_of(client, studio, limited), 2)
    assert await skus_offered(client, buyer) == [limited]
    left = [(await offered(client, who))["items"][0]["limits"]["per_user"]["available"] for who in (buyer, other)]
    assert left == [1, 3]


async def test_most_sellable(client: httpx.AsyncClient, studio: Studio) -> None:
    now = real_now().replace(microsecond=0)
    await freeze(studio, now)
    buyer = await make_buyer(studio)
    seldom, often, never, old, back = [await sell_for_money(client, studio) for _ in range(5)]
    bundle = await sell(client, studio, catalog.bundle(never, is_show_in_store=True), "bundle")
    await set_up(client, studio, "most_sellable")
    assert await skus_offered(client, buyer) == []
    await pay(studio, await order_money(buyer, (old, 9)))
    await freeze(studio, now + timedelta(days=20))
    await pay(studio, await order_money(buyer, (seldom, 2)))
    await pay(studio, await order_money(buyer, (often, 3)))
    await pay(studio, await order_money(buyer, (bundle, 1)))
    await order_money(buyer, (never, 9))
    returned = await order_money(buyer, (back, 9))
    payment = made_payment(returned)
    await pay(studio, returned, payment)
    await refund(studio, returned, payment)
    assert await skus_offered(client, buyer) == [old, often, seldom, bundle]
    await freeze(studio, now + timedelta(days=31))
    assert await skus_offered(client, buyer) == [often, seldom, bundle]


async def test_only_promotions(client: httpx.AsyncClient, studio: Studio) -> None:
    buyer = await make_buyer(studio)
    cheaper, given, plain, other = [await sell_for_money(client, studio) for _ in range(4)]
    await set_up(client, studio, "only_promotions")
    assert await skus_offered(client, buyer) == []
    discounted = await make_promotion(client, studio, "item", discount(cheaper))
    await make_promotion(client, studio, "bonus", bonus(plain, condition=[{"sku": given}]))
    await make_promotion(client, studio, "bonus", bonus(other))
    found = await skus_offered(client, buyer)
    assert set(found) == {cheaper, given}, "a bonus with any purchase is about no item"
    reply = await client.put(
        f"/api/v2/project/{studio.project_id}/admin/promotion/{discounted}/deactivate", auth=studio.basic
    )
    assert reply.status_code == 204, reply.text
    assert await skus_offered(client, buyer) == [given]
