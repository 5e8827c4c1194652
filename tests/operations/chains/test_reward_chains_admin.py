"""Reward chains as the studio writes and reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from make.catalog import any_sku, faults, game, game_key, make_item, post_item
from make.chains import (
    GOLD,
    PICTURE,
    WEEKLY,
    chain_path,
    clan_chain,
    get_chain,
    make_reward_chain,
    make_value_point,
    points_path,
    post_chain,
    reset_chain,
    reward_chain,
    step,
    toggle_chain,
)
from make.client_catalog import freeze
from make.projects import Studio

VERSIONS = pytest.mark.parametrize("version", ["v2", "v3"])
# A Wednesday.
NOW = datetime(2026, 12, 2, 12, tzinfo=UTC)


async def put_chain(
    client: httpx.AsyncClient, studio: Studio, chain_id: int, body: dict[str, Any], *, version: str = "v2"
) -> httpx.Response:
    """Send an update as the studio."""
    return await client.put(chain_path(studio, f"/id/{chain_id}", version=version), json=body, auth=studio.basic)


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """A body without some members."""
    return {name: value for name, value in body.items() if name not in names}


def update_of(read: dict[str, Any]) -> dict[str, Any]:
    """What was read of a chain, as an update takes it."""
    body = without(read, "reward_chain_id", "value_point", "clan_type", "top_contributors")
    if "recurrent_schedule" in body:
        computed = ("reset_next_date", "displayable_reset_start_date", "displayable_reset_next_date")
        body["recurrent_schedule"] = without(body["recurrent_schedule"], *computed)
    return body


@VERSIONS
async def test_admin_create_reward_chain(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    await freeze(studio, NOW)
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    body = reward_chain(
        point,
        step(lamp, 10, image_url=PICTURE),
        step(lamp, 25, reward=[{"sku": lamp, "quantity": 3, "attribute_conditions": [GOLD]}]),
        description={"en-US": "Short"},
        long_description={"en": "Long"},
        image_url=PICTURE,
        order=4,
        date_end="2027-01-01T03:00:00+03:00",
        recurrent_schedule=WEEKLY,
        attribute_conditions=[GOLD],
        is_always_visible=False,
    )
    reply = await post_chain(client, studio, body, version=version)
    assert reply.status_code == 201, reply.text
    found = await get_chain(client, studio, reply.json()["reward_chain_id"], version=version)
    gold = {**GOLD, "can_be_missing": False}
    first, second = found["steps"]
    assert found == {
        "reward_chain_id": reply.json()["reward_chain_id"],
        "name": {"en": "Road of stars"},
        "description": {"en": "Short"},
        "long_description": {"en": "Long"},
        "image_url": PICTURE,
        "order": 4,
        "date_start": "2026-01-01T00:00:00Z",
        "date_end": "2027-01-01T00:00:00Z",
        "is_enabled": True,
        "value_point": {
            "sku": point,
            "name": {"en": "Stars"},
            "type": "value_point",
            "long_description": None,
            "image_url": PICTURE,
            "media_list": [],
            "is_enabled": True,
            "order": 1,
            "is_clan": False,
        },
        "steps": [
            {
                "step_id": first["step_id"],
                "name": {"en": "At 10"},
                "price": {"amount": 10},
                "image_url": PICTURE,
                "reward": [{"sku": lamp, "quantity": 1}],
            },
            {
                "step_id": second["step_id"],
                "name": {"en": "At 25"},
                "price": {"amount": 25},
                "image_url": None,
                "reward": [{"sku": lamp, "quantity": 3, "attribute_conditions": [gold]}],
            },
        ],
        "recurrent_schedule": {
            "interval_type": "weekly",
            "day_of_week": 1,
            "time": "00:00:00+00:00",
            # Milliseconds.
            "reset_next_date": int(datetime(2026, 12, 7, tzinfo=UTC).timestamp()) * 1_000,
            "displayable_reset_start_date": "2026-12-07T00:00:00Z",
            "displayable_reset_next_date": "2026-12-07T00:00:00Z",
        },
        "attribute_conditions": [gold],
        "is_always_visible": False,
    }


async def test_admin_create_reward_chain_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    # What one version makes the other reads.
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    reply = await post_chain(client, studio, reward_chain(point, step(lamp, 1)), version="v3")
    chain_id = reply.json()["reward_chain_id"]
    assert await get_chain(client, studio, chain_id) == await get_chain(client, studio, chain_id, version="v3")


async def test_a_chain_of_clans(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio, is_clan=True)
    lamp = (await make_item(client, studio))["sku"]
    body = clan_chain(point, step(lamp, 10), clan_type="guild", popup_image_url=PICTURE)
    chain_id = await make_reward_chain(client, studio, body)
    found = await get_chain(client, studio, chain_id)
    assert (found["popup_header"], found["popup_instruction"]) == ({"en": "Clans"}, {"en": "Join one."})
    assert (found["popup_image_url"], found["clan_type"], found["top_contributors"]) == (PICTURE, "guild", None)
    assert found["value_point"]["is_clan"]

    refused = await post_chain(client, studio, without(body, "popup_header", "popup_instruction"))
    assert (refused.status_code, set(faults(refused))) == (422, {"popup_header", "popup_instruction"})
    unknown = await post_chain(client, studio, {**body, "clan_type": "flock"})
    assert (unknown.status_code, set(faults(unknown))) == (422, {"clan_type"})
    own, _ = await make_value_point(client, studio)
    plain = await post_chain(client, studio, clan_chain(own, step(lamp, 10), clan_type="guild"))
    assert (plain.status_code, set(faults(plain))) == (422, {"popup_header", "popup_instruction", "clan_type"})


@VERSIONS
async def test_faults_of_a_chain(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    body = {
        **reward_chain(point, step(lamp, -1, reward=[]), {**step(lamp, 2), "color": "red"}),
        "name": {"xx": "Road"},
        "date_start": "tomorrow",
        "is_enabled": "yes",
        "order": "first",
        "recurrent_schedule": {"interval_type": "daily", "time": "00:00:00+00:00"},
        "attribute_conditions": [],
        "is_always_visible": 1,
        "number_of_steps": 2,
    }
    reply = await post_chain(client, studio, body, version=version)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert set(faults(reply)) == {
        "name.xx",
        "date_start",
        "is_enabled",
        "order",
        "recurrent_schedule",
        "attribute_conditions",
        "is_always_visible",
        "number_of_steps",
        "steps.0.price.amount",
        "steps.0.reward",
        "steps.1.color",
    }
    empty = await client.post(chain_path(studio, version=version), json={}, auth=studio.basic)
    assert set(faults(empty)) == {"name", "date_start", "is_enabled", "value_point", "steps"}


async def test_faults_that_the_catalog_shows(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    key = any_sku("key")
    assert (await post_item(client, studio, "game", game(game_key(sku=key)))).status_code == 201
    gifts = [{"sku": sku, "quantity": 1} for sku in (lamp, "nothing", point, key)]
    body = reward_chain(lamp, step(lamp, 1, reward=gifts), date_end="2025-01-01T00:00:00Z")
    reply = await post_chain(client, studio, body)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    places = {f"steps.0.reward.{place}.sku" for place in (1, 2, 3)}
    assert set(faults(reply)) == {"value_point.sku", "date_end", *places}


@pytest.mark.parametrize(("steps", "gifts", "status"), [(31, 10, 201), (32, 1, 422), (1, 11, 422), (0, 0, 422)])
async def test_how_many_steps_and_rewards(
    client: httpx.AsyncClient, studio: Studio, steps: int, gifts: int, status: int
) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    reward = [{"sku": lamp, "quantity": 1}] * gifts
    body = reward_chain(point, *(step(lamp, number, reward=reward) for number in range(steps)))
    assert (await post_chain(client, studio, body)).status_code == status


@VERSIONS
async def test_admin_get_reward_chains(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    point, _ = await make_value_point(client, studio)
    clan_point, _ = await make_value_point(client, studio, is_clan=True)
    lamp = (await make_item(client, studio))["sku"]
    bodies = [reward_chain(point, step(lamp, 1), order=12 - place, is_enabled=place != 3) for place in range(11)]
    ids = [await make_reward_chain(client, studio, body) for body in bodies]
    ids.append(await make_reward_chain(client, studio, clan_chain(clan_point, step(lamp, 1), order=0)))
    path = chain_path(studio, version=version)

    async def page(**parameters: int) -> tuple[list[int], bool]:
        reply = await client.get(path, params=parameters, auth=studio.basic)
        assert reply.status_code == 200, reply.text
        return [item["reward_chain_id"] for item in reply.json()["items"]], reply.json()["has_more"]

    ordered = list(reversed(ids))
    # Ten at once, and no more.
    assert await page() == (ordered[:10], True)
    assert await page(limit=100) == (ordered[:10], True)
    assert await page(offset=10) == (ordered[10:], False)
    assert await page(enabled=0) == ([ids[3]], False)
    assert (await page(enabled=1, offset=10))[0] == [each for each in ordered if each != ids[3]][10:]
    reply = await client.get(path, params={"limit": 2}, auth=studio.basic)
    clans, own = reply.json()["items"]
    assert "steps" not in clans and clans["popup_header"] == {"en": "Clans"}
    assert "popup_header" not in own and own["value_point"]["amount"] == 0
    assert (await client.get(path, params={"limit": 0}, auth=studio.basic)).status_code == 422
    assert (await client.get(path, params={"enabled": 2}, auth=studio.basic)).status_code == 422


async def test_admin_get_reward_chains_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    empty = await client.get(chain_path(studio, version="v3"), auth=studio.basic)
    assert empty.json() == {"has_more": False, "items": []}


@VERSIONS
async def test_admin_update_reward_chain(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    point, _ = await make_value_point(client, studio)
    lamp, rope = [(await make_item(client, studio))["sku"] for _ in range(2)]
    chain_id = await make_reward_chain(
        client, studio, reward_chain(point, step(lamp, 10), step(lamp, 20), recurrent_schedule=WEEKLY)
    )
    read = await get_chain(client, studio, chain_id)
    first, second = read["steps"]
    body = update_of(read)
    assert (await put_chain(client, studio, chain_id, body, version=version)).status_code == 204
    assert await get_chain(client, studio, chain_id) == read

    # Steps change places, one goes and one comes.
    new = {**step(rope, 5), "step_id": None}
    moved = {**body, "name": {"de": "Weg"}, "steps": [new, {**first, "price": {"amount": 11}}]}
    assert (await put_chain(client, studio, chain_id, moved, version=version)).status_code == 204
    after = await get_chain(client, studio, chain_id)
    assert after["name"] == {"de": "Weg"}
    assert [each["price"]["amount"] for each in after["steps"]] == [5, 11]
    assert after["steps"][1]["step_id"] == first["step_id"]
    assert after["steps"][0]["step_id"] not in (first["step_id"], second["step_id"])


async def test_admin_update_reward_chain_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    body = without(reward_chain("any", {**step("lamp", 1), "step_id": None}), "value_point")
    reply = await put_chain(client, studio, 1, body, version="v3")
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 9901)
    assert reply.json()["errorMessage"] == "[0401-4001]: Reward chain not found"


async def test_what_an_update_keeps(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio, is_clan=True)
    other, _ = await make_value_point(client, studio, is_clan=True)
    lamp = (await make_item(client, studio))["sku"]
    body = clan_chain(point, step(lamp, 10), clan_type="guild")
    chain_id = await make_reward_chain(client, studio, body)
    [first] = (await get_chain(client, studio, chain_id))["steps"]
    repeated = {**body, "steps": [first]}
    assert (await put_chain(client, studio, chain_id, repeated)).status_code == 204
    bare = without(repeated, "value_point", "clan_type")
    assert (await put_chain(client, studio, chain_id, bare)).status_code == 204
    assert (await get_chain(client, studio, chain_id))["clan_type"] == "guild"
    changed = {**repeated, "value_point": {"sku": other}, "clan_type": "tribe"}
    reply = await put_chain(client, studio, chain_id, changed)
    assert (reply.status_code, set(faults(reply))) == (422, {"value_point.sku", "clan_type"})
    foreign = {**bare, "steps": [{**first, "step_id": 1}, first, first]}
    reply = await put_chain(client, studio, chain_id, foreign)
    assert (reply.status_code, set(faults(reply))) == (422, {"steps.0.step_id", "steps.2.step_id"})
    unsaid = {**bare, "steps": [without(first, "step_id")], "reward_chain_id": chain_id}
    reply = await put_chain(client, studio, chain_id, unsaid)
    assert set(faults(reply)) == {"steps.0.step_id", "reward_chain_id"}


@VERSIONS
async def test_admin_get_reward_chain(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    reply = await client.get(chain_path(studio, "/id/5001", version=version), auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 9901)


async def test_admin_get_reward_chain_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    # Items that were deleted since are left out, so that what was read can be written back.
    point, _ = await make_value_point(client, studio)
    lamp, rope = [(await make_item(client, studio))["sku"] for _ in range(2)]
    gifts = [{"sku": sku, "quantity": 1} for sku in (lamp, rope)]
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(lamp, 1, reward=gifts)))
    path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/{rope}"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    found = await get_chain(client, studio, chain_id, version="v3")
    assert [gift["sku"] for gift in found["steps"][0]["reward"]] == [lamp]


@VERSIONS
async def test_admin_delete_reward_chain(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(lamp, 1)))
    path = chain_path(studio, f"/id/{chain_id}", version=version)
    # What a chain counts stays as long as the chain.
    point_path = points_path(studio, f"/sku/{point}")
    assert not (await client.get(point_path, auth=studio.basic)).json()["can_delete"]
    in_use = await client.delete(point_path, auth=studio.basic)
    assert (in_use.status_code, in_use.json()["errorCode"]) == (422, 1102)
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    assert (await client.get(path, auth=studio.basic)).status_code == 404
    assert (await client.delete(path, auth=studio.basic)).status_code == 404
    assert (await client.delete(point_path, auth=studio.basic)).status_code == 204


async def test_admin_delete_reward_chain_v3(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(lamp, 1)))
    foreign = chain_path(other_studio, f"/id/{chain_id}", version="v3")
    assert (await client.delete(foreign, auth=other_studio.basic)).status_code == 404
    await get_chain(client, studio, chain_id)


@VERSIONS
async def test_admin_toggle_reward_chain(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(lamp, 1)))
    path = chain_path(studio, f"/id/{chain_id}/toggle", version=version)
    for is_enabled in (False, True):
        assert (await client.put(path, auth=studio.basic)).status_code == 204
        assert (await get_chain(client, studio, chain_id))["is_enabled"] is is_enabled
    unknown = chain_path(studio, "/id/1/toggle", version=version)
    assert (await client.put(unknown, auth=studio.basic)).status_code == 404


async def test_admin_toggle_reward_chain_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    # A chain that was switched off goes on with its resets at the next one.
    await freeze(studio, NOW)
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(lamp, 1), recurrent_schedule=WEEKLY))
    await freeze(studio, NOW + timedelta(days=14))
    await toggle_chain(client, studio, chain_id)
    schedule = (await get_chain(client, studio, chain_id, version="v3"))["recurrent_schedule"]
    assert schedule["displayable_reset_start_date"] == "2026-12-21T00:00:00Z"


@VERSIONS
async def test_admin_reset_reward_chain(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(lamp, 1)))
    path = chain_path(studio, f"/id/{chain_id}/reset", version=version)
    assert (await client.post(path, auth=studio.basic)).status_code == 204
    assert (await client.post(chain_path(studio, "/id/1/reset"), auth=studio.basic)).status_code == 404


async def test_admin_reset_reward_chain_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    unknown = await client.post(chain_path(studio, "/id/1/reset", version="v3"), auth=studio.basic)
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, 9901)
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(lamp, 1)))
    before = await get_chain(client, studio, chain_id)
    await reset_chain(client, studio, chain_id)
    assert await get_chain(client, studio, chain_id) == before
