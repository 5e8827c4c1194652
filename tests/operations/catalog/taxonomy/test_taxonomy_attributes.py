"""Attributes and their values: what may be written, what a change and a deletion leave of items."""

import asyncio
from typing import Any

import httpx
import pytest

from haversack.catalog.records import AttributeLink
from haversack.catalog.taxonomy.queries import list_attributes
from haversack.text import FIVE_LETTER_CODES
from make.catalog import version_of
from make.projects import Studio
from make.taxonomy import (
    admin,
    faulty_fields,
    links_of,
    make_attribute,
    new_attribute,
    new_value,
    put_item,
    refusal,
)


async def _get(client: httpx.AsyncClient, studio: Studio, url: str) -> Any:
    reply = await client.get(url, auth=studio.basic)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def _links(studio: Studio) -> list[AttributeLink]:
    """A link to each attribute with all its values."""
    found = await list_attributes(studio.context.database.session(), studio.project_id)
    return [AttributeLink(each.attribute_id, tuple(value.value_id for value in each.values)) for each in found]


async def test_admin_create_attribute(client: httpx.AsyncClient, studio: Studio) -> None:
    before = await version_of(studio)
    body = new_attribute("Play-style_1", name={"de-DE": "Spielart", "en": "Old", "en-US": "Style", "fr": None})
    reply = await client.post(f"{admin(studio)}/attribute", auth=studio.basic, json=body)
    assert (reply.status_code, reply.json()) == (201, {"external_id": "Play-style_1"})
    assert await _get(client, studio, f"{admin(studio)}/attribute/Play-style_1") == {
        "external_id": "Play-style_1",
        "name": {"de": "Spielart", "en": "Style"},
        "values": [],
    }
    assert await version_of(studio) == before + 1


async def test_admin_create_attribute_in_all_languages(client: httpx.AsyncClient, studio: Studio) -> None:
    for codes in (FIVE_LETTER_CODES.keys(), FIVE_LETTER_CODES.values()):
        external_id = f"in-{next(iter(codes))}"
        body = new_attribute(external_id, name={code: f"text {code}" for code in codes})
        reply = await client.post(f"{admin(studio)}/attribute", auth=studio.basic, json=body)
        assert reply.status_code == 201, reply.text
        shown = await _get(client, studio, f"{admin(studio)}/attribute/{external_id}")
        assert set(shown["name"]) == set(FIVE_LETTER_CODES)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"external_id": "with space"}, {"external_id"}),
        ({"external_id": "dot.ted"}, {"external_id"}),
        ({"external_id": ""}, {"external_id"}),
        ({"external_id": "end\n"}, {"external_id"}),
        ({"external_id": "a" * 256}, {"external_id"}),
        ({"external_id": None, "name": None}, {"external_id", "name"}),
        ({"name": {}}, {"name"}),
        ({"name": {"en": None}}, {"name"}),
        ({"name": {"en": " "}}, {"name"}),
        ({"name": "Genre"}, {"name"}),
        ({"name": {"en": "Genre", "pt-PT": "Gênero", "xx": "?"}}, {"name.pt-PT", "name.xx"}),
        ({"name": {"en": 7, "EN": "Genre"}}, {"name.en", "name.EN"}),
        ({"name": {"en": "a" * 10_001}}, {"name.en"}),
        ({"values": []}, {"values"}),
    ],
)
async def test_admin_create_attribute_refuses(
    client: httpx.AsyncClient, studio: Studio, change: dict[str, Any], fields: set[str]
) -> None:
    body = new_attribute() | change
    reply = await client.post(f"{admin(studio)}/attribute", auth=studio.basic, json=body)
    assert refusal(reply) == (422, 1102)
    assert faulty_fields(reply) == fields
    assert (await _get(client, studio, f"{admin(studio)}/attribute"))["attributes"] == []
    assert await version_of(studio) == 0


async def test_admin_create_attribute_once(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    await make_attribute(client, studio)
    reply = await client.post(f"{admin(studio)}/attribute", auth=studio.basic, json=new_attribute(name={"en": "Other"}))
    assert refusal(reply) == (422, 1102)
    assert faulty_fields(reply) == {"external_id"}
    shown = await _get(client, studio, f"{admin(studio)}/attribute/genre")
    assert shown["name"] == {"en": "Genre"}
    await make_attribute(client, other_studio)


async def test_one_attribute_created_by_many_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    replies = await asyncio.gather(
        *(client.post(f"{admin(studio)}/attribute", auth=studio.basic, json=new_attribute()) for _ in range(20))
    )
    assert sorted(reply.status_code for reply in replies) == [201] + [422] * 19
    assert {faulty for reply in replies if reply.status_code == 422 for faulty in faulty_fields(reply)} == {
        "external_id"
    }
    shown = await _get(client, studio, f"{admin(studio)}/attribute")
    assert shown["total_count"] == 1


async def test_admin_get_attribute_list(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    url = f"{admin(studio)}/attribute"
    assert await _get(client, studio, url) == {
        "attributes": [],
        "total_count": 0,
        "total_items_count": 0,
        "has_more": False,
    }
    for number in range(53):
        await make_attribute(client, studio, f"a{number:02}", ["v"] if number == 0 else [])
    await make_attribute(client, other_studio, "foreign")
    first = await _get(client, studio, url)
    assert first["attributes"][0] == {"external_id": "a00", "name": {"en": "A00"}}
    assert len(first["attributes"]) == 50
    assert (first["total_count"], first["total_items_count"], first["has_more"]) == (53, 53, True)
    assert len((await _get(client, studio, f"{url}?limit=1000"))["attributes"]) == 50
    page = await _get(client, studio, f"{url}?limit=2&offset=50")
    assert ([each["external_id"] for each in page["attributes"]], page["has_more"]) == (["a50", "a51"], True)
    page = await _get(client, studio, f"{url}?limit=2&offset=51")
    assert ([each["external_id"] for each in page["attributes"]], page["has_more"]) == (["a51", "a52"], False)
    assert (await _get(client, studio, f"{url}?offset=54"))["attributes"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=many", "offset=-1", "offset=99999999999"])
async def test_admin_get_attribute_list_refuses(client: httpx.AsyncClient, studio: Studio, query: str) -> None:
    reply = await client.get(f"{admin(studio)}/attribute?{query}", auth=studio.basic)
    assert refusal(reply) == (422, 1102)
    assert faulty_fields(reply) == {query.partition("=")[0]}


async def test_admin_get_attribute(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    url = await make_attribute(client, studio, values=["puzzle", "rac.ing-1_b"])
    assert await _get(client, studio, url) == {
        "external_id": "genre",
        "name": {"en": "Genre"},
        "values": [
            {"external_id": "puzzle", "value": {"en": "Puzzle"}},
            {"external_id": "rac.ing-1_b", "value": {"en": "Rac.Ing-1_B"}},
        ],
    }
    missing = await client.get(f"{admin(studio)}/attribute/other", auth=studio.basic)
    assert refusal(missing) == (404, 9901)
    assert missing.json()["errorMessage"] == "[0401-9901]: Attribute not found."
    foreign = await client.get(f"{admin(other_studio)}/attribute/genre", auth=other_studio.basic)
    assert refusal(foreign) == (404, 9901)


async def test_admin_update_attribute(client: httpx.AsyncClient, studio: Studio) -> None:
    url = await make_attribute(client, studio, values=["puzzle"])
    item_id = await put_item(studio, "lamp", links=await _links(studio))
    before = await version_of(studio)
    reply = await client.put(url, auth=studio.basic, json=new_attribute(name={"de": "Gattung"}))
    assert (reply.status_code, reply.content) == (204, b"")
    shown = await _get(client, studio, url)
    assert shown["name"] == {"de": "Gattung"}, "a change of the name replaces all its texts"
    assert [value["external_id"] for value in shown["values"]] == ["puzzle"], "values stay"
    assert await version_of(studio) == before + 1

    reply = await client.put(url, auth=studio.basic, json=new_attribute("kind"))
    assert reply.status_code == 204
    assert refusal(await client.get(url, auth=studio.basic)) == (404, 9901)
    renamed = await _get(client, studio, f"{admin(studio)}/attribute/kind")
    assert [value["external_id"] for value in renamed["values"]] == ["puzzle"]
    assert len(await links_of(studio, item_id)) == 1, "links of items follow"


async def test_admin_update_attribute_refuses(client: httpx.AsyncClient, studio: Studio) -> None:
    url = await make_attribute(client, studio)
    await make_attribute(client, studio, "mood")
    before = await version_of(studio)
    taken = await client.put(url, auth=studio.basic, json=new_attribute("mood"))
    assert refusal(taken) == (422, 1102)
    assert faulty_fields(taken) == {"external_id"}
    unknown = await client.put(f"{admin(studio)}/attribute/other", auth=studio.basic, json=new_attribute())
    assert refusal(unknown) == (404, 9901)
    faulty = await client.put(url, auth=studio.basic, json={"external_id": "a b", "name": {"xx": "?"}, "extra": 1})
    assert refusal(faulty) == (422, 1102)
    assert faulty_fields(faulty) == {"external_id", "name.xx", "extra"}
    assert (await _get(client, studio, url))["name"] == {"en": "Genre"}
    assert await version_of(studio) == before


async def test_delete_attribute(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    url = await make_attribute(client, studio, values=["puzzle", "racing"])
    await make_attribute(client, studio, "mood", ["calm"])
    genre, mood = await _links(studio)
    both = await put_item(studio, "both", links=[genre, mood])
    other = await put_item(studio, "other", links=[mood])
    foreign = await put_item(other_studio, "both", links=[genre])
    before = await version_of(studio)
    reply = await client.delete(url, auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b"")
    assert refusal(await client.get(url, auth=studio.basic)) == (404, 9901)
    kept = [{"attribute_id": mood.attribute_id, "value_ids": list(mood.value_ids)}]
    assert (await links_of(studio, both), await links_of(studio, other)) == (kept, kept)
    assert len(await links_of(other_studio, foreign)) == 1, "other projects' items are left alone"
    assert await version_of(studio) == before + 1
    assert refusal(await client.delete(url, auth=studio.basic)) == (404, 9901)
    await make_attribute(client, studio)
    assert (await _get(client, studio, url))["values"] == [], "nothing comes back with the name"


async def test_admin_create_attribute_value(client: httpx.AsyncClient, studio: Studio) -> None:
    url = await make_attribute(client, studio)
    before = await version_of(studio)
    body = new_value("2.5-D_x", value={"en-US": "Two and a half", "de": None})
    reply = await client.post(f"{url}/value", auth=studio.basic, json=body)
    assert (reply.status_code, reply.json()) == (201, {"external_id": "2.5-D_x"})
    shown = await _get(client, studio, url)
    assert shown["values"] == [{"external_id": "2.5-D_x", "value": {"en": "Two and a half"}}]
    assert await version_of(studio) == before + 1


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"external_id": "a b"}, {"external_id"}),
        ({"external_id": "ä"}, {"external_id"}),
        ({"external_id": "", "value": {}}, {"external_id", "value"}),
        ({"value": {"zz-ZZ": "?"}}, {"value.zz-ZZ"}),
        ({"value": ["Puzzle"]}, {"value"}),
        ({"name": {"en": "x"}}, {"name"}),
    ],
)
async def test_admin_create_attribute_value_refuses(
    client: httpx.AsyncClient, studio: Studio, change: dict[str, Any], fields: set[str]
) -> None:
    url = await make_attribute(client, studio, values=["puzzle"])
    for reply in (
        await client.post(f"{url}/value", auth=studio.basic, json=new_value("new") | change),
        await client.put(f"{url}/value/puzzle", auth=studio.basic, json=new_value() | change),
    ):
        assert refusal(reply) == (422, 9901), "the documents have this code under the text of 1102"
        assert reply.json()["errorMessage"].startswith("[0401-1102]: Unprocessable Entity. ")
        assert faulty_fields(reply) == fields
    assert len((await _get(client, studio, url))["values"]) == 1


async def test_admin_create_attribute_value_once(client: httpx.AsyncClient, studio: Studio) -> None:
    url = await make_attribute(client, studio, values=["puzzle"])
    before = await version_of(studio)
    reply = await client.post(f"{url}/value", auth=studio.basic, json=new_value(value={"en": "Other"}))
    assert refusal(reply) == (422, 9907)
    assert reply.json()["errorMessage"] == "[0401-9907]: The attribute value already exists."
    assert (await _get(client, studio, url))["values"][0]["value"] == {"en": "Puzzle"}
    unknown = await client.post(f"{admin(studio)}/attribute/x/value", auth=studio.basic, json=new_value())
    assert refusal(unknown) == (404, 9901)
    assert await version_of(studio) == before
    # Another attribute may have a value of the same name.
    await make_attribute(client, studio, "mood", ["puzzle"])


async def test_twenty_values_of_many_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    url = await make_attribute(client, studio)
    replies = await asyncio.gather(
        *(client.post(f"{url}/value", auth=studio.basic, json=new_value(f"v{number}")) for number in range(25))
    )
    assert sorted(reply.status_code for reply in replies) == [201] * 20 + [422] * 5
    refused = [reply for reply in replies if reply.status_code == 422]
    assert {refusal(reply) for reply in refused} == {(422, 9908)}
    assert refused[0].json()["errorMessage"] == (
        "[0401-9908]: You reached the maximum number of values for the attribute."
    )
    made = {reply.json()["external_id"] for reply in replies if reply.status_code == 201}
    shown = (await _get(client, studio, url))["values"]
    assert {value["external_id"] for value in shown} == made
    # A value that is there already is named as such, however many there are.
    again = await client.post(f"{url}/value", auth=studio.basic, json=new_value(shown[0]["external_id"]))
    assert refusal(again) == (422, 9907)


async def test_admin_update_attribute_value(client: httpx.AsyncClient, studio: Studio) -> None:
    url = await make_attribute(client, studio, values=["puzzle", "racing"])
    [link] = await _links(studio)
    item_id = await put_item(studio, "lamp", links=[link])
    before = await version_of(studio)
    reply = await client.put(f"{url}/value/puzzle", auth=studio.basic, json=new_value(value={"de": "Rätsel"}))
    assert (reply.status_code, reply.content) == (204, b"")
    reply = await client.put(f"{url}/value/racing", auth=studio.basic, json=new_value("driving"))
    assert reply.status_code == 204
    assert (await _get(client, studio, url))["values"] == [
        {"external_id": "puzzle", "value": {"de": "Rätsel"}},
        {"external_id": "driving", "value": {"en": "Driving"}},
    ]
    assert (await links_of(studio, item_id))[0]["value_ids"] == list(link.value_ids)
    assert await version_of(studio) == before + 2

    taken = await client.put(f"{url}/value/driving", auth=studio.basic, json=new_value("puzzle"))
    assert refusal(taken) == (422, 9907)
    unknown = await client.put(f"{url}/value/racing", auth=studio.basic, json=new_value())
    assert refusal(unknown) == (404, 9906)
    assert unknown.json()["errorMessage"] == "[0401-9906]: Attribute value not found."
    elsewhere = await client.put(f"{admin(studio)}/attribute/x/value/y", auth=studio.basic, json=new_value())
    assert refusal(elsewhere) == (404, 9901)
    assert await version_of(studio) == before + 2


async def test_admin_delete_attribute_value(client: httpx.AsyncClient, studio: Studio) -> None:
    url = await make_attribute(client, studio, values=["puzzle", "racing"])
    [link] = await _links(studio)
    puzzle, racing = link.value_ids
    both = await put_item(studio, "both", links=[link])
    one = await put_item(studio, "one", links=[AttributeLink(link.attribute_id, (puzzle,))])
    before = await version_of(studio)
    reply = await client.delete(f"{url}/value/puzzle", auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b"")
    assert [value["external_id"] for value in (await _get(client, studio, url))["values"]] == ["racing"]
    assert await links_of(studio, both) == [{"attribute_id": link.attribute_id, "value_ids": [racing]}]
    assert await links_of(studio, one) == [], "an attribute without a value says nothing of an item"
    assert await version_of(studio) == before + 1
    assert refusal(await client.delete(f"{url}/value/puzzle", auth=studio.basic)) == (404, 9906)
    elsewhere = await client.delete(f"{admin(studio)}/attribute/x/value/racing", auth=studio.basic)
    assert refusal(elsewhere) == (404, 9901)


async def test_admin_delete_all_attribute_value(client: httpx.AsyncClient, studio: Studio) -> None:
    url = await make_attribute(client, studio, values=["puzzle", "racing"])
    await make_attribute(client, studio, "mood", ["calm"])
    genre, mood = await _links(studio)
    item_id = await put_item(studio, "lamp", links=[mood, genre])
    reply = await client.delete(f"{url}/value", auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b"")
    assert await _get(client, studio, url) == {"external_id": "genre", "name": {"en": "Genre"}, "values": []}
    kept = {"attribute_id": mood.attribute_id, "value_ids": list(mood.value_ids)}
    assert await links_of(studio, item_id) == [kept]
    assert (await client.delete(f"{url}/value", auth=studio.basic)).status_code == 204, "none left is no fault"
    unknown = await client.delete(f"{admin(studio)}/attribute/x/value", auth=studio.basic)
    assert refusal(unknown) == (404, 9901)


async def test_values_without_a_header(client: httpx.AsyncClient, studio: Studio) -> None:
    """The calls of values answer 403 where the header is missing, and 401 where it is wrong."""
    url = await make_attribute(client, studio, values=["puzzle"])
    for method, path in (
        ("POST", f"{url}/value"),
        ("DELETE", f"{url}/value"),
        ("PUT", f"{url}/value/puzzle"),
        ("DELETE", f"{url}/value/puzzle"),
    ):
        missing = await client.request(method, path, json=new_value("other"))
        assert refusal(missing) == (403, 0)
        assert missing.json()["errorMessage"] == "Authorization header not sent"
        wrong = await client.request(method, path, json=new_value("other"), auth=("1", "wrong"))
        assert refusal(wrong) == (401, 1020)
    assert len((await _get(client, studio, url))["values"]) == 1
