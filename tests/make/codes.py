"""Makes coupons, promo codes and unique offers through the API, with codes, and uses them as players do."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from make.projects import Studio

COUPON, PROMO_CODE, UNIQUE_OFFER = "coupon", "promocode", "unique_catalog_offer"
KINDS = (COUPON, PROMO_CODE, UNIQUE_OFFER)


def any_external_id() -> str:
    """An external id that nobody else has."""
    return f"welcome-{uuid4().hex[:8]}"


def any_code() -> str:
    """A code that nobody else has."""
    return f"GIFT{uuid4().hex[:12]}"


def coupon(*skus: str, **changes: Any) -> dict[str, Any]:
    """A body of a new coupon that gives two of each item, without dates; it fits both versions."""
    body = {"external_id": any_external_id(), "name": {"en-US": "Welcome"}}
    return {**body, "bonus": [{"sku": sku, "quantity": 2} for sku in skus] or None, **changes}


def promo_code(**changes: Any) -> dict[str, Any]:
    """A body of a new promo code of 10 % off the cart, without dates; it fits both versions."""
    body = {"external_id": any_external_id(), "name": {"en-US": "Summer"}, "discount": {"percent": "10.00"}}
    return {**body, **changes}


def unique_offer(*skus: str, **changes: Any) -> dict[str, Any]:
    """A body of a new unique offer, without dates; it fits both versions."""
    return {"external_id": any_external_id(), "name": {"en-US": "For you"}, "items": list(skus), **changes}


def new_body(kind: str, *skus: str, **changes: Any) -> dict[str, Any]:
    """A body of a new promotion of a kind that is about items."""
    match kind:
        case "coupon":
            return coupon(*skus, **changes)
        case "promocode":
            return promo_code(bonus=[{"sku": sku, "quantity": 1} for sku in skus] or None, **changes)
    return unique_offer(*skus, **changes)


def coded_path(studio: Studio, kind: str, rest: str = "", *, version: str = "v2") -> str:
    """Where the studio's calls on promotions with codes are."""
    return f"/api/{version}/project/{studio.project_id}/admin/{kind}{rest}"


def limit_path(studio: Studio, of: str, kind: str, external_id: str) -> str:
    """Where the studio's calls on limits of a kind are; of: user or code."""
    return f"/api/v2/project/{studio.project_id}/admin/{of}/limit/{kind}/external_id/{external_id}"


async def make_coded(
    client: httpx.AsyncClient,
    studio: Studio,
    kind: str,
    body: Mapping[str, Any],
    *codes: str,
    version: str = "v2",
    is_enabled: bool = True,
) -> str:
    """Make a promotion with codes through the API, switch it on, and return its external id."""
    reply = await client.post(coded_path(studio, kind, version=version), json=body, auth=studio.basic)
    assert reply.status_code == 201, reply.text
    external_id: str = reply.json()["external_id"]
    for code in codes:
        added = await add_code(client, studio, kind, external_id, code)
        assert added.status_code == 201, added.text
    if is_enabled:
        switched = await switch(client, studio, kind, external_id)
        assert switched.status_code == 204, switched.text
    return external_id


async def get_coded(
    client: httpx.AsyncClient, studio: Studio, kind: str, external_id: str, *, version: str = "v2"
) -> dict[str, Any]:
    """What the studio reads of a promotion with codes."""
    reply = await client.get(coded_path(studio, kind, f"/{external_id}", version=version), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def add_code(client: httpx.AsyncClient, studio: Studio, kind: str, external_id: str, code: Any) -> httpx.Response:
    """Send the call that adds a code."""
    path = coded_path(studio, kind, f"/{external_id}/code")
    return await client.post(path, json={"coupon_code": code}, auth=studio.basic)


async def switch(
    client: httpx.AsyncClient, studio: Studio, kind: str, external_id: str, *, to: str = "activate"
) -> httpx.Response:
    """Send the call that switches a promotion on or off."""
    return await client.put(coded_path(studio, kind, f"/{external_id}/{to}"), auth=studio.basic)


async def list_codes(
    client: httpx.AsyncClient, studio: Studio, kind: str, external_id: str, **page: Any
) -> tuple[list[str], int]:
    """A page of codes, and how many there are."""
    path = coded_path(studio, kind, f"/{external_id}/code")
    reply = await client.get(path, params=page, auth=studio.basic)
    assert reply.status_code == 200, reply.text
    return [each["code"] for each in reply.json()["codes"]], reply.json()["total_count"]


def refusal(reply: httpx.Response) -> tuple[int, int, str]:
    """What was refused: status, code and sentence."""
    body = reply.json()
    assert body["statusCode"] == reply.status_code
    return reply.status_code, body["errorCode"], body["errorMessage"]


def faults(reply: httpx.Response) -> set[str]:
    """The fields that were named as faulty."""
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102), reply.text
    return {fault["property"] for fault in reply.json()["errorMessageExtended"]}


def player_path(studio: Studio, rest: str) -> str:
    """Where players' calls on codes are."""
    return f"/api/v2/project/{studio.project_id}/{rest}"


async def redeem(
    client: httpx.AsyncClient, studio: Studio, headers: Mapping[str, str], code: Any, **more: Any
) -> httpx.Response:
    """Send the call that redeems a coupon."""
    path = player_path(studio, "coupon/redeem")
    return await client.post(path, json={"coupon_code": code, **more}, headers=dict(headers))


async def put_code(
    client: httpx.AsyncClient, studio: Studio, headers: Mapping[str, str], code: Any, **more: Any
) -> httpx.Response:
    """Send the call that puts a promo code to a cart."""
    path = player_path(studio, "promocode/redeem")
    return await client.post(path, json={"coupon_code": code, **more}, headers=dict(headers))


async def look(client: httpx.AsyncClient, studio: Studio, headers: Mapping[str, str], rest: str) -> httpx.Response:
    """Send a player's read: what a code would give (coupon/code/…/rewards), or what it is (promotion/code/…/verify)."""
    return await client.get(player_path(studio, rest), headers=dict(headers))
