"""Single reads of the client catalog: the item as its list shows it, or a 404 in the call's own words."""

import httpx
import pytest

from make.catalog import bundle, game, game_key, package, virtual_currency, virtual_item
from make.client_catalog import catalog_path, id_of, read, read_status, sell
from make.projects import Studio


async def _is_as_listed(client: httpx.AsyncClient, studio: Studio, path: str, list_path: str, sku: str) -> None:
    single = await read(client, studio, f"{path}/{sku}")
    assert single.pop("custom_attributes") == {}
    listed = (await read(client, studio, list_path))["items"]
    assert single == next(item for item in listed if item["sku"] == sku)


async def _refusal(client: httpx.AsyncClient, studio: Studio, rest: str) -> str:
    reply = await client.get(catalog_path(studio, rest))
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 4001)
    message: str = reply.json()["errorMessage"]
    return message


async def test_get_virtual_items_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    pearls = await sell(client, studio, virtual_currency(), "virtual_currency")
    await _is_as_listed(client, studio, "/virtual_items/sku", "/virtual_items", sku)
    for other in ("unknown", pearls):
        assert await _refusal(client, studio, f"/virtual_items/sku/{other}") == (
            f"[0401-4001]: Item with Project Id = {studio.project_id} and Sku = {other} not found"
        )


async def test_get_virtual_currency_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = await sell(client, studio, virtual_currency(), "virtual_currency")
    await _is_as_listed(client, studio, "/virtual_currency/sku", "/virtual_currency", pearls)
    text = f"[0401-4001]: Item with Project Id = {studio.project_id} and Sku = unknown not found"
    assert await _refusal(client, studio, "/virtual_currency/sku/unknown") == text


async def test_get_virtual_currency_package_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = await sell(client, studio, virtual_currency(), "virtual_currency")
    sku = await sell(client, studio, package(pearls), "package")
    await _is_as_listed(client, studio, "/virtual_currency/package/sku", "/virtual_currency/package", sku)
    text = f"[0401-4001]: Item with Project Id = {studio.project_id} and Sku = {pearls} not found"
    assert await _refusal(client, studio, f"/virtual_currency/package/sku/{pearls}") == text


async def test_get_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    sku = await sell(client, studio, bundle(lamp, is_show_in_store=True), "bundle")
    await _is_as_listed(client, studio, "/bundle/sku", "/bundle", sku)
    assert await _refusal(client, studio, f"/bundle/sku/{lamp}") == f"[0401-4001]: Item with sku = '{lamp}' not found"


async def test_get_game_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    key = game_key()
    body = game(key)
    await sell(client, studio, body, "game")
    await _is_as_listed(client, studio, "/game/sku", "/game", body["sku"])
    text = f"[0401-4001]: Item with sku = '{key['sku']}' not found"
    assert await _refusal(client, studio, f"/game/sku/{key['sku']}") == text


async def test_get_game_key_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    key = game_key()
    body = game(key)
    await sell(client, studio, body, "game")
    await _is_as_listed(client, studio, "/game/key/sku", "/game/key/group/all", key["sku"])
    text = f"[0401-4001]: Item with sku = '{body['sku']}' not found"
    assert await _refusal(client, studio, f"/game/key/sku/{body['sku']}") == text


async def test_get_sellable_item_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    body = game(game_key())
    await sell(client, studio, body, "game")
    for sku in (
        await sell(client, studio, virtual_item()),
        await sell(client, studio, virtual_currency(), "virtual_currency"),
        body["unit_items"][0]["sku"],
    ):
        await _is_as_listed(client, studio, "/sku", "", sku)
    text = f"[0401-4001]: Item with sku = '{body['sku']}' not found"
    assert await _refusal(client, studio, f"/sku/{body['sku']}") == text, "a game is sold by its keys"


async def test_get_sellable_item_by_id(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    item_id = await id_of(client, studio, sku)
    found = await read(client, studio, f"/id/{item_id}")
    assert (found["item_id"], found["sku"]) == (item_id, sku)
    assert await _refusal(client, studio, "/id/7") == "[0401-4001]: Item with id = 7 not found"
    assert await read_status(client, other_studio, f"/id/{item_id}") == (404, 4001)


@pytest.mark.parametrize("item_id", ["0", "-1", "x", "99999999999", "9" * 400, "1.0", "%00"])
async def test_get_sellable_item_by_id_that_is_none(client: httpx.AsyncClient, studio: Studio, item_id: str) -> None:
    status, code = await read_status(client, studio, f"/id/{item_id}")
    assert (status, code) in {(404, 4001), (422, 1102)}


async def test_custom_attributes_are_on_single_reads(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(custom_attributes={"level": 3}))
    assert (await read(client, studio, f"/virtual_items/sku/{sku}"))["custom_attributes"] == {"level": 3}


@pytest.mark.parametrize("sku", ["with%2Fslash", "%00", "%ff", "x" * 300])
async def test_skus_that_cannot_be(client: httpx.AsyncClient, studio: Studio, sku: str) -> None:
    assert await read_status(client, studio, f"/sku/{sku}") in {(404, 4001), (422, 1102)}
