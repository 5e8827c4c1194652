"""Regions: names under five-letter codes, countries of ISO 3166-1, and none deleted that is in use."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import bindparam, func, insert, update

from haversack.catalog.records import ItemKind
from haversack.catalog.tables import items, key_codes
from make.catalog import version_of
from make.projects import Studio
from make.taxonomy import admin, faulty_fields, make_region, new_region, put_item, refusal

DELETE_ITEM = (
    update(items)
    .where(items.c.project_id == bindparam("project"), items.c.item_id == bindparam("item"))
    .values(deleted_at=func.now())
)
PUT_CODE = insert(key_codes).values(
    project_id=bindparam("project"),
    item_id=bindparam("item"),
    region_id=bindparam("region"),
    code_sealed=b"sealed",
    code_hash=bindparam("hash"),
    state=bindparam("state"),
    uploaded_at=func.now(),
)
SPEND_CODES = update(key_codes).where(key_codes.c.project_id == bindparam("project")).values(state="used")


async def _get(client: httpx.AsyncClient, studio: Studio, path: str = "") -> Any:
    reply = await client.get(f"{admin(studio)}/region{path}", auth=studio.basic)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_admin_create_region(client: httpx.AsyncClient, studio: Studio) -> None:
    body = {
        "name": {"en-US": "Nordics", "de": "Norden", "fr-FR": None},
        "countries": ["DK", "se", "DK", "NO", "SE"],
    }
    reply = await client.post(f"{admin(studio)}/region", auth=studio.basic, json=body)
    assert reply.status_code == 201
    region_id = reply.json()["region_id"]
    assert reply.json() == {"region_id": region_id}
    assert await _get(client, studio, f"/{region_id}") == {
        "id": region_id,
        "name": {"en-US": "Nordics", "de-DE": "Norden"},
        "countries": ["DK", "SE", "NO"],
    }
    assert await version_of(studio) == 1


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"countries": []}, {"countries"}),
        ({"countries": ["DK", "UK", "XX", "Denmark", ""]}, {f"countries.{index}" for index in (1, 2, 3, 4)}),
        ({"countries": "DK"}, {"countries"}),
        ({"countries": None, "name": None}, {"countries", "name"}),
        ({"countries": [45]}, {"countries.0"}),
        ({"countries": ["DK"] * 1001}, {"countries"}),
        ({"name": {}}, {"name"}),
        ({"name": {"en-GB": "Nordics", "sv-SE": "Norden"}}, {"name.en-GB", "name.sv-SE"}),
        ({"id": 7}, {"id"}),
    ],
)
async def test_admin_create_region_refuses(
    client: httpx.AsyncClient, studio: Studio, change: dict[str, Any], fields: set[str]
) -> None:
    region_id = await make_region(client, studio)
    before = await version_of(studio)
    body = new_region() | change
    for reply in (
        await client.post(f"{admin(studio)}/region", auth=studio.basic, json=body),
        await client.put(f"{admin(studio)}/region/{region_id}", auth=studio.basic, json=body),
    ):
        assert refusal(reply) == (422, 1102)
        assert faulty_fields(reply) == fields
    assert (await _get(client, studio))["total_items_count"] == 1
    assert await version_of(studio) == before


async def test_admin_get_regions(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    assert await _get(client, studio) == {"regions": [], "total_items_count": 0, "has_more": False}
    first = await make_region(client, studio)
    # Regions may have one name, and share countries.
    second = await make_region(client, studio, countries=["SE"])
    await make_region(client, other_studio)
    assert await _get(client, studio) == {
        "regions": [{"id": first, "name": {"en-US": "Nordics"}}, {"id": second, "name": {"en-US": "Nordics"}}],
        "total_items_count": 2,
        "has_more": False,
    }


async def test_admin_get_region(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    region_id = await make_region(client, studio)
    assert await _get(client, studio, f"/{region_id}") == {
        "id": region_id,
        "name": {"en-US": "Nordics"},
        "countries": ["DK", "SE"],
    }
    foreign = await client.get(f"{admin(other_studio)}/region/{region_id}", auth=other_studio.basic)
    assert refusal(foreign) == (404, 9701)
    assert foreign.json()["errorMessage"] == "[0401-9701]: Region not found"
    for number in ("0", "x", str(2**31)):
        reply = await client.get(f"{admin(studio)}/region/{number}", auth=studio.basic)
        assert refusal(reply) == (422, 1102)


async def test_admin_update_region(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    region_id = await make_region(client, studio)
    before = await version_of(studio)
    url = f"{admin(studio)}/region/{region_id}"
    body = new_region(name={"zh-TW": "北歐"}, countries=["FI", "IS"])
    reply = await client.put(url, auth=studio.basic, json=body)
    assert (reply.status_code, reply.content) == (204, b"")
    assert await _get(client, studio, f"/{region_id}") == {
        "id": region_id,
        "name": {"zh-TW": "北歐"},
        "countries": ["FI", "IS"],
    }
    assert await version_of(studio) == before + 1
    foreign = await client.put(f"{admin(other_studio)}/region/{region_id}", auth=other_studio.basic, json=new_region())
    assert refusal(foreign) == (404, 9701)
    assert (await _get(client, studio, f"/{region_id}"))["countries"] == ["FI", "IS"]
    assert await version_of(other_studio) == 0


async def test_admin_delete_region(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    region_id = await make_region(client, studio)
    other_id = await make_region(client, studio)
    await put_item(studio, "lamp", region_ids=[other_id])
    await put_item(other_studio, "lamp", region_ids=[region_id])
    before = await version_of(studio)
    foreign = await client.delete(f"{admin(other_studio)}/region/{region_id}", auth=other_studio.basic)
    assert refusal(foreign) == (404, 9701)
    reply = await client.delete(f"{admin(studio)}/region/{region_id}", auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b"")
    assert [each["id"] for each in (await _get(client, studio))["regions"]] == [other_id]
    assert await version_of(studio) == before + 1
    again = await client.delete(f"{admin(studio)}/region/{region_id}", auth=studio.basic)
    assert refusal(again) == (404, 9701)


async def test_admin_delete_region_in_use_by_items(client: httpx.AsyncClient, studio: Studio) -> None:
    region_id = await make_region(client, studio)
    url = f"{admin(studio)}/region/{region_id}"
    ids = [await put_item(studio, f"lamp-{number:02}", region_ids=[region_id]) for number in range(22)]
    before = await version_of(studio)
    reply = await client.delete(url, auth=studio.basic)
    assert refusal(reply) == (422, 1102)
    shown = ", ".join(f"lamp-{number:02}" for number in range(20))
    assert reply.json()["errorMessage"] == (
        f"[0401-1102]: Region {region_id} is used by {shown} and more. Take it off them first."
    )
    assert (await _get(client, studio, f"/{region_id}"))["countries"] == ["DK", "SE"]
    assert await version_of(studio) == before
    db = studio.context.database.session()
    for item_id in ids:
        await db.execute(DELETE_ITEM, project=studio.project_id, item=item_id)
    assert (await client.delete(url, auth=studio.basic)).status_code == 204, "deleted items hold nothing"


async def test_admin_delete_region_in_use_by_codes(client: httpx.AsyncClient, studio: Studio) -> None:
    region_id = await make_region(client, studio)
    url = f"{admin(studio)}/region/{region_id}"
    game = await put_item(studio, "game", kind=ItemKind.GAME)
    key = await put_item(studio, "game_steam", kind=ItemKind.GAME_KEY, parent=game)
    db = studio.context.database.session()
    for state in ("available", "reserved"):
        await db.execute(
            PUT_CODE, project=studio.project_id, item=key, region=region_id, hash=state.encode(), state=state
        )
        reply = await client.delete(url, auth=studio.basic)
        assert refusal(reply) == (422, 1102)
        assert "game_steam" in reply.json()["errorMessage"]
        await db.execute(SPEND_CODES, project=studio.project_id)
    assert (await client.delete(url, auth=studio.basic)).status_code == 204, "codes that are gone hold nothing"


async def test_one_region_deleted_by_many_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    region_id = await make_region(client, studio)
    url = f"{admin(studio)}/region/{region_id}"
    replies = await asyncio.gather(*(client.delete(url, auth=studio.basic) for _ in range(10)))
    assert sorted(reply.status_code for reply in replies) == [204] + [404] * 9
