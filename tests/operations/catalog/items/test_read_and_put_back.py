"""Back ends read an item, change a word and put all of it back: translators, importers, copies of a shop."""

from typing import Any

import httpx
import pytest

from make.catalog import (
    admin_path,
    any_sku,
    bundle,
    faults,
    game,
    game_key,
    get_item,
    make_item,
    package,
    price,
    put_item,
    virtual_currency,
    virtual_item,
)
from make.projects import Studio
from make.taxonomy import make_group

DAILY = {"per_user": {"interval_type": "daily", "time": "08:00:00+03:00"}}
LIMITS = {"per_user": {"total": 3, "limit_exceeded_visibility": "hide"}, "per_item": 90, "recurrent_schedule": DAILY}


def _put_back(read: dict[str, Any]) -> dict[str, Any]:
    """What such back ends reshape: groups and content are named, what is null is left out, schedules are written."""
    body = {name: value for name, value in read.items() if value is not None or name == "description"}
    body["groups"] = [group["external_id"] for group in body["groups"]]
    if "content" in body:
        body["content"] = [{"sku": entry["sku"], "quantity": entry["quantity"]} for entry in body["content"]]
    if "unit_items" in body:
        names = ("sku", "name", "drm_sku", "prices", "is_enabled", "is_show_in_store")
        body["unit_items"] = [{name: key[name] for name in names} for key in body["unit_items"]]
    if body.get("limits", {}).get("recurrent_schedule"):
        body["limits"] = {**body["limits"], "recurrent_schedule": DAILY}
    return body


@pytest.mark.parametrize("kind", ["virtual_item", "virtual_currency", "package", "bundle", "game"])
async def test_what_was_read_can_be_put_back(client: httpx.AsyncClient, studio: Studio, kind: str) -> None:
    await make_group(client, studio, "tools")
    pearls = (await make_item(client, studio, "virtual_currency"))["sku"]
    lamp = (await make_item(client, studio))["sku"]
    shared: dict[str, Any] = {"sku": any_sku(), "groups": ["tools"]}
    paid = {"vc_prices": [{"sku": pearls, "amount": 20, "is_default": True}], "limits": LIMITS}
    body = {
        "virtual_item": lambda: virtual_item(**shared, **paid),
        "virtual_currency": lambda: virtual_currency(**shared),
        "package": lambda: package(pearls, **shared, limits=LIMITS, prices=[price(1.99)]),
        "bundle": lambda: bundle(lamp, **shared, **paid),
        "game": lambda: game(game_key(), **shared),
    }[kind]()
    read = await make_item(client, studio, kind, body)
    reply = await put_item(client, studio, kind, read["sku"], _put_back(read))
    assert reply.is_success, reply.text
    assert await get_item(client, studio, kind, read["sku"]) == read


async def test_other_unknown_members_are_refused(client: httpx.AsyncClient, studio: Studio) -> None:
    read = await make_item(client, studio)
    reply = await client.put(
        admin_path(studio, "virtual_item", f"/sku/{read['sku']}"),
        json={**_put_back(read), "colour": "red"},
        auth=studio.basic,
    )
    assert set(faults(reply)) == {"colour"}
