"""Pre-order limits: read, raised, set, lowered, emptied and switched, by SKU and by number."""

from typing import Any

import httpx
import pytest

from haversack.catalog.read_model.live import STOCK_CHANGED
from haversack.context import Context
from make.keys import make_game
from make.projects import Studio
from make.taxonomy import admin, faulty_fields, refusal

KEY = "opera_drmfree"
LIMIT_MAX = 2**31 - 1


class Limits:
    """The limit of one item, as a studio's server works with it."""

    def __init__(self, client: httpx.AsyncClient, studio: Studio, key: str | int) -> None:
        kind = "id" if isinstance(key, int) else "sku"
        self._url = f"{admin(studio)}/items/pre_order/limit/item/{kind}/{key}"
        self._client = client
        self._studio = studio

    async def send(self, method: str, body: Any = None, *, path: str = "") -> httpx.Response:
        """Call an operation; a body only where there is one."""
        content = {} if body is None else {"json": body}
        return await self._client.request(method, self._url + path, auth=self._studio.basic, **content)

    async def read(self) -> dict[str, Any]:
        """The limit as it is."""
        reply = await self.send("GET")
        assert reply.status_code == 200, reply.text
        limit: dict[str, Any] = reply.json()
        return limit

    async def available(self) -> int:
        """How many may still be ordered."""
        return int((await self.read())["available"])


async def _limits(client: httpx.AsyncClient, studio: Studio, *, by_id: bool = False) -> Limits:
    key_id = (await make_game(studio))[KEY]
    return Limits(client, studio, key_id if by_id else KEY)


async def _get(client: httpx.AsyncClient, studio: Studio, *, by_id: bool) -> None:
    limits = await _limits(client, studio, by_id=by_id)
    limit = await limits.read()
    assert isinstance(limit.pop("item_id"), int)
    assert limit == {
        "sku": KEY,
        "is_pre_order_limit_enabled": False,
        "available": 0,
        "reserved": 0,
        "sold": 0,
    }


async def _add(client: httpx.AsyncClient, studio: Studio, *, by_id: bool) -> None:
    limits = await _limits(client, studio, by_id=by_id)
    for expected in (7, 14):
        reply = await limits.send("POST", {"quantity": 7})
        assert (reply.status_code, reply.content) == (201, b"")
        assert await limits.available() == expected


async def _set(client: httpx.AsyncClient, studio: Studio, *, by_id: bool) -> None:
    limits = await _limits(client, studio, by_id=by_id)
    for quantity in (5, 2, 0):
        assert (await limits.send("PUT", {"quantity": quantity})).status_code == 204
        assert await limits.available() == quantity


async def _remove(client: httpx.AsyncClient, studio: Studio, *, by_id: bool) -> None:
    limits = await _limits(client, studio, by_id=by_id)
    assert refusal(await limits.send("DELETE", {"quantity": 1})) == (422, 1023)
    await limits.send("PUT", {"quantity": 5})
    assert (await limits.send("DELETE", {"quantity": 3})).status_code == 204
    assert refusal(await limits.send("DELETE", {"quantity": 3})) == (422, 1023)
    assert await limits.available() == 2


async def _remove_all(client: httpx.AsyncClient, studio: Studio, *, by_id: bool) -> None:
    limits = await _limits(client, studio, by_id=by_id)
    assert (await limits.send("DELETE", path="/all")).status_code == 204
    await limits.send("PUT", {"quantity": 5})
    assert (await limits.send("DELETE", path="/all")).status_code == 204
    assert await limits.available() == 0


async def _toggle(client: httpx.AsyncClient, studio: Studio, *, by_id: bool) -> None:
    limits = await _limits(client, studio, by_id=by_id)
    for is_enabled in (True, True, False):
        body = {"is_pre_order_limit_enabled": is_enabled}
        assert (await limits.send("PUT", body, path="/toggle")).status_code == 204
        assert (await limits.read())["is_pre_order_limit_enabled"] is is_enabled
        await limits.send("POST", {"quantity": 1})
    assert await limits.available() == 3


async def test_get_pre_order_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    await _get(client, studio, by_id=False)


async def test_get_pre_order_limit_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await _get(client, studio, by_id=True)


async def test_add_pre_order_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    await _add(client, studio, by_id=False)


async def test_add_pre_order_limit_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await _add(client, studio, by_id=True)


async def test_set_pre_order_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    await _set(client, studio, by_id=False)


async def test_set_pre_order_limit_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await _set(client, studio, by_id=True)


async def test_remove_pre_order_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    await _remove(client, studio, by_id=False)


async def test_remove_pre_order_limit_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await _remove(client, studio, by_id=True)


async def test_remove_all_pre_order_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    await _remove_all(client, studio, by_id=False)


async def test_remove_all_pre_order_limit_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await _remove_all(client, studio, by_id=True)


async def test_toggle_pre_order_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    await _toggle(client, studio, by_id=False)


async def test_toggle_pre_order_limit_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await _toggle(client, studio, by_id=True)


async def test_limit_of_what_is_not_there(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    key_id = (await make_game(other_studio))[KEY]
    for key in ("nothing", KEY, key_id, LIMIT_MAX):
        limits = Limits(client, studio, key)
        for method, body, path in (
            ("GET", None, ""),
            ("POST", {"quantity": 1}, ""),
            ("PUT", {"quantity": 1}, ""),
            ("DELETE", {"quantity": 1}, ""),
            ("DELETE", None, "/all"),
            ("PUT", {"is_pre_order_limit_enabled": True}, "/toggle"),
        ):
            assert refusal(await limits.send(method, body, path=path)) == (404, 4001)
    assert (await Limits(client, other_studio, KEY).read())["available"] == 0


@pytest.mark.parametrize("quantity", [-1, "1", 1.5, None, True, LIMIT_MAX + 1, 10**30])
async def test_limit_by_a_wrong_quantity(client: httpx.AsyncClient, studio: Studio, quantity: Any) -> None:
    limits = await _limits(client, studio)
    for method in ("POST", "PUT", "DELETE"):
        reply = await limits.send(method, {"quantity": quantity, "colour": "red"})
        assert (refusal(reply), faulty_fields(reply)) == ((422, 1102), {"quantity", "colour"})


async def test_limit_by_a_wrong_switch(client: httpx.AsyncClient, studio: Studio) -> None:
    limits = await _limits(client, studio)
    for body in ({}, {"is_pre_order_limit_enabled": 1}, {"is_pre_order_limit_enabled": None}):
        reply = await limits.send("PUT", body, path="/toggle")
        assert (refusal(reply), faulty_fields(reply)) == ((422, 1102), {"is_pre_order_limit_enabled"})


async def test_limit_that_cannot_be_counted(client: httpx.AsyncClient, studio: Studio) -> None:
    limits = await _limits(client, studio)
    await limits.send("PUT", {"quantity": LIMIT_MAX - 1})
    reply = await limits.send("POST", {"quantity": 2})
    assert (refusal(reply), faulty_fields(reply)) == ((422, 1102), {"quantity"})
    assert (await limits.send("POST", {"quantity": 1})).status_code == 201
    assert await limits.available() == LIMIT_MAX


async def test_changes_of_limits_are_told(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    limits = await _limits(client, studio)
    told: list[str] = []
    context.notifications.subscribe(STOCK_CHANGED, told.append)
    for method, body, path in (
        ("POST", {"quantity": 2}, ""),
        ("PUT", {"quantity": 2}, ""),
        ("DELETE", {"quantity": 1}, ""),
        ("DELETE", None, "/all"),
        ("PUT", {"is_pre_order_limit_enabled": True}, "/toggle"),
    ):
        told.clear()
        await limits.send(method, body, path=path)
        assert str(studio.project_id) in told
