"""Attributes that items bring with them: what is made, what is kept, and writers and deleters at the same moment."""

import asyncio

import httpx
import pytest

from haversack.catalog.records import AttributeLink
from haversack.catalog.taxonomy.actions import resolve_attributes
from haversack.catalog.taxonomy.queries import list_attributes
from haversack.catalog.taxonomy.records import GivenAttribute, GivenValue
from haversack.clock import real_now
from haversack.errors import Refusal
from make.projects import Studio
from make.taxonomy import admin, links_of, make_attribute, put_item, wait_until_blocked, write_links


def _given(external_id: str, *values: str, name: str | None = None) -> GivenAttribute:
    return GivenAttribute(
        external_id,
        None if name is None else {"de": name},
        tuple(GivenValue(value, {"de": value.title()}) for value in values),
    )


async def _resolve(studio: Studio, *given: GivenAttribute) -> tuple[AttributeLink, ...]:
    db = studio.context.database.session()
    async with db.begin():
        return await resolve_attributes(db, studio.project_id, given, real_now())


async def _stored(studio: Studio) -> dict[str, list[str]]:
    found = await list_attributes(studio.context.database.session(), studio.project_id)
    return {each.external_id: [value.external_id for value in each.values] for each in found}


async def test_missing_attributes_and_values_are_made(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_attribute(client, studio, values=["puzzle"])
    links = await _resolve(
        studio, _given("mood", "calm", "dark"), _given("genre", "racing", "puzzle", name="Gattung"), _given("era")
    )
    found = {
        each.external_id: each for each in await list_attributes(studio.context.database.session(), studio.project_id)
    }
    assert found["genre"].name == {"en": "Genre"}, "what is known keeps its name"
    assert {value.external_id: value.value for value in found["genre"].values} == {
        "puzzle": {"en": "Puzzle"},
        "racing": {"de": "Racing"},
    }
    assert found["mood"].name == {"en": "mood"}, "without a name it is called by its external id"
    genre = {value.external_id: value.value_id for value in found["genre"].values}
    mood = {value.external_id: value.value_id for value in found["mood"].values}
    assert links == (
        AttributeLink(found["mood"].attribute_id, (mood["calm"], mood["dark"])),
        AttributeLink(found["genre"].attribute_id, (genre["racing"], genre["puzzle"])),
        AttributeLink(found["era"].attribute_id, ()),
    )
    assert await _resolve(studio, _given("mood", "calm", "dark")) == links[:1]


async def test_too_many_values_of_a_definition(client: httpx.AsyncClient, studio: Studio) -> None:
    for start in range(0, 18, 6):
        await _resolve(studio, _given("genre", *(f"v{number}" for number in range(start, start + 6))))
    with pytest.raises(Refusal) as refused:
        await _resolve(studio, _given("mood", "calm"), _given("genre", "x", "y", "z"))
    assert refused.value.kind.name == "store.attribute_values_used_up"
    stored = await _stored(studio)
    assert list(stored) == ["genre"], "nothing is left of a refused write"
    assert len(stored["genre"]) == 18
    await _resolve(studio, _given("genre", "x", "y", "v0"))
    assert len((await _stored(studio))["genre"]) == 20


async def test_many_items_bring_the_same_attribute_at_once(studio: Studio) -> None:
    links = await asyncio.gather(*(_resolve(studio, _given("genre", "puzzle", "racing")) for _ in range(20)))
    assert len(set(links)) == 1
    assert await _stored(studio) == {"genre": ["puzzle", "racing"]}


async def test_many_items_bring_other_values_at_once(studio: Studio) -> None:
    results = await asyncio.gather(
        *(_resolve(studio, _given("genre", f"v{number}")) for number in range(25)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(refused) == 5
    assert all(isinstance(result, Refusal) and result.kind.code == 9908 for result in refused)
    assert len((await _stored(studio))["genre"]) == 20


async def test_no_item_keeps_a_link_to_what_is_deleted(client: httpx.AsyncClient, studio: Studio) -> None:
    """A deletion waits for writers that have resolved the attribute, and cleans what they have written."""
    url = await make_attribute(client, studio, values=["puzzle"])
    item_id = await put_item(studio, "lamp")
    db = studio.context.database.session()
    async with db.begin():
        links = await resolve_attributes(db, studio.project_id, [_given("genre", "puzzle")], real_now())
        deleting = asyncio.create_task(client.delete(url, auth=studio.basic))
        await wait_until_blocked(studio)
        assert not deleting.done()
        await write_links(studio, db, item_id, links)
    assert (await deleting).status_code == 204
    assert await links_of(studio, item_id) == []
    assert await _stored(studio) == {}


async def test_writers_and_deleters_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    """Whatever wins, what is linked exists."""
    await make_attribute(client, studio, values=["puzzle"])
    items = [await put_item(studio, f"lamp-{number}") for number in range(8)]

    async def write(item_id: int) -> None:
        db = studio.context.database.session()
        async with db.begin():
            links = await resolve_attributes(db, studio.project_id, [_given("genre", "puzzle", "racing")], real_now())
            await write_links(studio, db, item_id, links)

    async def delete(path: str) -> None:
        reply = await client.delete(f"{admin(studio)}/attribute/{path}", auth=studio.basic)
        assert reply.status_code in (204, 404)

    for _ in range(4):
        paths = ["genre/value/racing", "genre", "genre/value", "genre/value/puzzle"]
        await asyncio.gather(*map(write, items), *map(delete, paths))
    found = await list_attributes(studio.context.database.session(), studio.project_id)
    known = {each.attribute_id: {value.value_id for value in each.values} for each in found}
    for item_id in items:
        for link in await links_of(studio, item_id):
            assert set(link["value_ids"]) <= known[link["attribute_id"]]


async def test_items_written_while_their_attributes_are_deleted(client: httpx.AsyncClient, studio: Studio) -> None:
    """Both lock the attribute before the items, so that nobody waits in a ring; what is linked exists."""
    attributes = [{"external_id": "genre", "values": [{"external_id": "puzzle", "value": {"en": "Puzzle"}}]}]
    url = f"{admin(studio)}/items/virtual_items"
    bodies = [
        {"sku": f"lamp-{number}", "name": {"en": "Lamp"}, "description": None, "attributes": attributes}
        for number in range(6)
    ]
    for body in bodies:
        reply = await client.post(url, auth=studio.basic, json=body)
        assert reply.status_code == 201, reply.text
    for _ in range(4):
        replies = await asyncio.gather(
            *(client.put(f"{url}/sku/{body['sku']}", auth=studio.basic, json=body) for body in bodies),
            *(client.delete(f"{admin(studio)}/attribute/genre", auth=studio.basic) for _ in range(2)),
            *(client.delete(f"{admin(studio)}/attribute/genre/value", auth=studio.basic) for _ in range(2)),
        )
        assert {reply.status_code for reply in replies[:6]} == {204}
        assert {reply.status_code for reply in replies[6:]} <= {204, 404}
    stored = await _stored(studio)
    listed = (await client.get(url, auth=studio.basic)).json()["items"]
    for item in listed:
        for attribute in item["attributes"]:
            assert {value["external_id"] for value in attribute["values"]} <= set(stored[attribute["external_id"]])
