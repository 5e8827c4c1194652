"""What the tests of promotions with codes share: checks that hold for each of the three kinds."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from make.catalog import any_sku, save_virtual_item
from make.codes import any_code, coded_path, get_coded, make_coded, new_body, refusal, switch
from make.projects import Studio

PERIODS = [
    {"date_from": "2026-06-01T00:00:00+03:00", "date_until": "2026-07-01T00:00:00+03:00"},
    {"date_from": "2036-06-01T00:00:00+03:00", "date_until": "2036-07-01T00:00:00+03:00"},
]
NOT_FOUND = {
    "coupon": (404, 9802, "[0401-9802]: Coupon not found"),
    "promocode": (404, 9802, "[0401-9802]: Promocode not found"),
    "unique_catalog_offer": (404, 9802, "[0401-9802]: Coupon not found"),
}

Check = Callable[..., Awaitable[None]]


@pytest.fixture
async def sku(studio: Studio) -> str:
    """An item that promotions may be about."""
    found = any_sku()
    await save_virtual_item(studio, found)
    return found


@pytest.fixture
def check_lists(client: httpx.AsyncClient, studio: Studio, other_studio: Studio, sku: str) -> Check:
    """A list has its own kind alone, in pages, with counts."""

    async def check(kind: str, other_kind: str, version: str) -> None:
        made = [await make_coded(client, studio, kind, new_body(kind, sku), is_enabled=on) for on in (True, False)]
        await make_coded(client, studio, other_kind, new_body(other_kind, sku))

        async def read(someone: Studio, **page: Any) -> dict[str, Any]:
            path = coded_path(someone, kind, version=version)
            reply = await client.get(path, params=page, auth=someone.basic)
            assert reply.status_code == 200, reply.text
            found: dict[str, Any] = reply.json()
            return found

        whole = await read(studio)
        assert [each["external_id"] for each in whole.pop("items")] == made
        assert whole == {
            "total_promotions_count": 2,
            "active_promotions_count": 1,
            "inactive_promotions_count": 1,
        }
        second = await read(studio, limit=1, offset=1)
        assert second["items"] == [await get_coded(client, studio, kind, made[1], version=version)]
        assert (await read(studio, limit=1000))["total_promotions_count"] == 2
        assert (await read(other_studio))["items"] == []
        for page in ({"limit": 0}, {"offset": -1}):
            refused = await client.get(coded_path(studio, kind, version=version), params=page, auth=studio.basic)
            assert refused.status_code == 422

    return check


@pytest.fixture
def check_unknown(client: httpx.AsyncClient, studio: Studio, other_studio: Studio, sku: str) -> Check:
    """What is not there, of another project, or of another kind cannot be read or changed."""

    async def check(kind: str, other_kind: str, method: str, rest: str = "", *, version: str = "v2") -> None:
        body = new_body(kind, sku)
        body.pop("external_id")
        sent = {"json": body} if method == "PUT" and not rest else {}
        other = await make_coded(client, studio, other_kind, new_body(other_kind, sku))
        own = await make_coded(client, studio, kind, new_body(kind, sku))
        for someone, external_id in ((studio, "nothing"), (studio, other), (other_studio, own)):
            path = coded_path(someone, kind, f"/{external_id}{rest}", version=version)
            reply = await client.request(method, path, auth=someone.basic, **sent)
            assert refusal(reply) == NOT_FOUND[kind]

    return check


@pytest.fixture
def check_deleting(client: httpx.AsyncClient, studio: Studio, sku: str) -> Check:
    """A deleted promotion is gone, and its codes and its external id are free."""

    async def check(kind: str, version: str) -> None:
        code, body = any_code(), new_body(kind, sku)
        external_id = await make_coded(client, studio, kind, body, code)
        path = coded_path(studio, kind, f"/{external_id}", version=version)
        assert (await client.delete(path, auth=studio.basic)).status_code == 204
        assert refusal(await client.get(path, auth=studio.basic)) == NOT_FOUND[kind]
        assert refusal(await client.delete(path, auth=studio.basic)) == NOT_FOUND[kind]
        assert await make_coded(client, studio, kind, body, code, version=version) == external_id

    return check


@pytest.fixture
def check_switching(client: httpx.AsyncClient, studio: Studio, sku: str) -> Check:
    """A new promotion is off; it is switched on and off as often as one likes, but not on where it gives nothing."""

    async def check(kind: str) -> None:
        external_id = await make_coded(client, studio, kind, new_body(kind, sku), is_enabled=False)
        assert (await get_coded(client, studio, kind, external_id))["is_enabled"] is False
        for to, expected in (("activate", True), ("activate", True), ("deactivate", False), ("deactivate", False)):
            assert (await switch(client, studio, kind, external_id, to=to)).status_code == 204
            assert (await get_coded(client, studio, kind, external_id))["is_enabled"] is expected
        nothing = {"discount": None} if kind == "promocode" else {}
        empty = await make_coded(client, studio, kind, new_body(kind, **nothing), is_enabled=False)
        refused = await switch(client, studio, kind, empty)
        sentence = "[0401-9505]: Error was occurred while promotion was being updated"
        assert refusal(refused) == (422, 9505, sentence)
        assert [fault["property"] for fault in refused.json()["errorMessageExtended"]] == ["promotion"]
        assert (await get_coded(client, studio, kind, empty))["is_enabled"] is False

    return check
