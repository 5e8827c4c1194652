"""Who says what players see, the project's rules or its game: how a studio chooses."""

import httpx
import pytest

from haversack.personalization.queries import list_enabled_rules
from haversack.projects.actions import save_settings
from haversack.projects.records import Personalization
from make.catalog import save_virtual_item, version_of
from make.personalization import filter_rule, make_rule
from make.projects import Studio


def _path(studio: Studio) -> str:
    return f"/api/v2/project/{studio.project_id}/admin/personalization"


async def _known(studio: Studio) -> Personalization:
    project = await studio.context.directory.find_project(studio.project_id)
    assert project is not None
    return project.personalization


async def test_get_personalization(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await client.get(_path(studio), auth=studio.basic)
    assert (reply.status_code, reply.json()) == (200, {"personalization": "platform"})


async def test_update_personalization(client: httpx.AsyncClient, studio: Studio) -> None:
    assert await _known(studio) is Personalization.PLATFORM
    for side in ("partner", "platform"):
        before = await version_of(studio)
        reply = await client.put(_path(studio), json={"personalization": side}, auth=studio.basic)
        assert (reply.status_code, reply.content) == (204, b"")
        # At once, in this process too.
        assert await _known(studio) == side
        assert (await client.get(_path(studio), auth=studio.basic)).json() == {"personalization": side}
        assert await version_of(studio) > before


@pytest.mark.parametrize(
    ("body", "property_"),
    [
        ({}, "personalization"),
        ({"personalization": "both"}, "personalization"),
        ({"personalization": None}, "personalization"),
        ({"personalization": "partner", "since": "now"}, "since"),
    ],
)
async def test_update_personalization_refuses_what_it_does_not_know(
    client: httpx.AsyncClient, studio: Studio, body: dict[str, object], property_: str
) -> None:
    reply = await client.put(_path(studio), json=body, auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert [fault["property"] for fault in reply.json()["errorMessageExtended"]] == [property_]
    assert await _known(studio) is Personalization.PLATFORM


async def test_an_operator_chooses_too(studio: Studio) -> None:
    before = await version_of(studio)
    await save_settings(studio.context, studio.project_id, is_sandbox=True)
    assert (await version_of(studio), await _known(studio)) == (before, Personalization.PLATFORM)
    await save_settings(studio.context, studio.project_id, personalization=Personalization.PARTNER)
    assert await _known(studio) is Personalization.PARTNER
    assert await version_of(studio) > before


async def test_rules_do_not_hold_while_the_game_is_asked(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    await make_rule(client, studio, filter_rule("lamp"))
    shop = f"/api/v2/project/{studio.project_id}/items/sku/lamp"
    db = studio.context.database.session()
    assert len(await list_enabled_rules(db, studio.project_id)) == 1
    assert (await client.get(shop)).status_code == 404
    await client.put(_path(studio), json={"personalization": "partner"}, auth=studio.basic)
    assert await list_enabled_rules(db, studio.project_id) == []
    await client.put(_path(studio), json={"personalization": "platform"}, auth=studio.basic)
    # They were kept.
    assert len(await list_enabled_rules(db, studio.project_id)) == 1
    assert (await client.get(shop)).status_code == 404
