"""Attributes: what players and servers may read and change of them."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from haversack.login.rules import ATTRIBUTES_MAX
from make.login import bearer, error_of, faults_of, player_of, sign_device_in
from make.projects import Studio

OWN = "/api/attributes/users/me"


class Bench:
    """A player and the calls on its attributes, by the player and by the studio's server."""

    def __init__(self, client: httpx.AsyncClient, studio: Studio, token: str, server: dict[str, str]) -> None:
        self.client = client
        self.project = {"publisher_project_id": studio.project_id}
        self.publisher = {"publisher_id": studio.merchant_id, **self.project}
        self.token = token
        self.player_id: UUID = player_of(token)
        self.server = server

    async def own(self, what: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"{OWN}/{what}", json={**self.project, **body}, headers=bearer(self.token))

    async def by_server(self, what: str, **body: Any) -> httpx.Response:
        path = f"/api/attributes/users/{self.player_id}/{what}"
        return await self.client.post(path, json={**self.publisher, **body}, headers=self.server)

    async def search(self, **body: Any) -> httpx.Response:
        body = {**self.publisher, **body}
        return await self.client.post("/api/attributes/users/get", json=body, headers=self.server)


async def make_bench(client: httpx.AsyncClient, studio: Studio) -> Bench:
    token = await sign_device_in(client, studio.login_project_id)
    return Bench(client, studio, token, await studio.server_headers(client))


def given(key: str, value: str, permission: str = "private") -> dict[str, str]:
    return {"key": key, "permission": permission, "value": value}


async def test_get_users_attributes_from_client(client: httpx.AsyncClient, studio: Studio) -> None:
    bench = await make_bench(client, studio)
    attributes = [given("b", "2", "public"), given("a", "1")]
    assert (await bench.own("update", attributes=attributes)).status_code == 204
    assert (await bench.own("get")).json() == [given("a", "1"), given("b", "2", "public")]
    assert (await bench.own("get", keys=[])).json() == [given("a", "1"), given("b", "2", "public")]
    assert (await bench.own("get", keys=["b", "c"])).json() == [given("b", "2", "public")]
    # Another project of the merchant has attributes of its own, and so has no project.
    no_project = await client.post(f"{OWN}/get", json={}, headers=bearer(bench.token))
    assert no_project.json() == []
    assert (await bench.own("get", user_id=str(bench.player_id))).json() == [given("a", "1"), given("b", "2", "public")]


async def test_get_users_attributes_from_client_of_another(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    bench, reader = await make_bench(client, studio), await make_bench(client, studio)
    stranger = await make_bench(client, other_studio)
    await bench.own("update", attributes=[given("seen", "1", "public"), given("hidden", "2")])
    assert (await reader.own("get", user_id=str(bench.player_id))).json() == [given("seen", "1", "public")]
    assert (await stranger.own("get", user_id=str(bench.player_id))).json() == []
    foreign = await stranger.own("get", publisher_project_id=studio.project_id)
    assert error_of(foreign) == (403, "1901-0001")
    assert error_of(await reader.own("get", publisher_project_id=2_000_000_000)) == (403, "1901-0001")


async def test_get_users_read_only_attributes_from_client(client: httpx.AsyncClient, studio: Studio) -> None:
    bench = await make_bench(client, studio)
    await bench.by_server("update_read_only", attributes=[given("rank", "gold", "public"), given("score", "7")])
    assert (await bench.own("get_read_only")).json() == [given("rank", "gold", "public"), given("score", "7")]
    assert (await bench.own("get")).json() == []
    # The player's own attribute of that name is another one.
    await bench.own("update", attributes=[given("rank", "emperor")], removing_keys=["score"])
    assert (await bench.own("get_read_only", keys=["rank"])).json() == [given("rank", "gold", "public")]
    reader = await make_bench(client, studio)
    seen = await reader.own("get_read_only", user_id=str(bench.player_id))
    assert seen.json() == [given("rank", "gold", "public")]


async def test_update_users_attributes_from_client(client: httpx.AsyncClient, studio: Studio) -> None:
    bench = await make_bench(client, studio)
    await bench.own("update", attributes=[given("a", "1", "public"), given("b", "2"), given("c", "3")])
    # A key in both lists survives; without a permission it keeps its own, and a new one is private.
    changed = [{"key": "a", "value": "9", "permission": None}, {"key": "d", "value": "4"}]
    reply = await bench.own("update", attributes=changed, removing_keys=["a", "b", "unknown"])
    assert (reply.status_code, reply.content) == (204, b"")
    assert (await bench.own("get")).json() == [given("a", "9", "public"), given("c", "3"), given("d", "4")]
    assert (await bench.own("update", removing_keys=["c"])).status_code == 204
    assert [found["key"] for found in (await bench.own("get")).json()] == ["a", "d"]


async def test_update_users_attributes_from_client_refuses(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    bench = await make_bench(client, studio)
    bad = [
        given("a-b", "1"),
        given("", "2"),
        given("c", "x" * 257),
        given("d", "4", "secret"),
        {"key": "e", "value": 5},
    ]
    reply = await bench.own("update", attributes=bad)
    assert error_of(reply) == (422, "0")
    assert faults_of(reply) == {
        f"attributes.{index}.{name}" for index, name in enumerate(("key", "key", "value", "permission", "value"))
    }
    twice = await bench.own("update", attributes=[given("a", "1"), given("a", "2")])
    assert (error_of(twice), faults_of(twice)) == ((400, "0"), {"attributes.1.key"})
    foreign = await bench.own("update", attributes=[given("a", "1")], publisher_project_id=other_studio.project_id)
    assert error_of(foreign) == (403, "1901-0001")
    assert (await bench.own("get")).json() == []


async def test_update_users_attributes_from_client_up_to_a_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    bench = await make_bench(client, studio)
    full = [given(f"k{index}", "1") for index in range(ATTRIBUTES_MAX)]
    assert (await bench.own("update", attributes=full)).status_code == 204
    assert error_of(await bench.own("update", attributes=[given("more", "1")])) == (422, "0")
    assert len((await bench.own("get")).json()) == ATTRIBUTES_MAX
    assert (await bench.own("update", attributes=[given("more", "1")], removing_keys=["k0"])).status_code == 204


async def test_get_users_attributes_from_server(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    bench, stranger = await make_bench(client, studio), await make_bench(client, other_studio)
    await bench.own("update", attributes=[given("a", "1")])
    assert (await bench.by_server("get")).json() == [given("a", "1")]
    assert (await bench.by_server("get", publisher_id=None, keys=["b"])).json() == []
    assert error_of(await bench.by_server("get", publisher_id=1)) == (403, "1901-0001")
    stranger.player_id = bench.player_id
    assert (await stranger.by_server("get")).json() == []
    path = f"/api/attributes/users/{bench.player_id}/get"
    reply = await client.post(path, json={"keys": "a"}, headers=bench.server)
    assert (error_of(reply), faults_of(reply)) == ((400, "0"), {"publisher_id", "keys"})
    assert error_of(await client.post(path, json={"publisher_id": None})) == (401, "002-016")


async def test_get_users_read_only_attributes_from_server(client: httpx.AsyncClient, studio: Studio) -> None:
    bench = await make_bench(client, studio)
    await bench.by_server("update_read_only", attributes=[given("rank", "gold")])
    assert (await bench.by_server("get_read_only")).json() == [given("rank", "gold")]
    assert error_of(await bench.by_server("get_read_only", publisher_project_id=2)) == (403, "1901-0001")


async def test_update_users_attributes_from_server(client: httpx.AsyncClient, studio: Studio) -> None:
    bench = await make_bench(client, studio)
    await bench.own("update", attributes=[given("old", "1")])
    changed = [
        {**given("level", "7"), "data_type": "integer", "description": "how far", "format": "%d"},
        {**given("vip", "true"), "data_type": "boolean", "attr_type": "server"},
    ]
    reply = await bench.by_server("update", attributes=changed, removing_keys=["old"])
    assert (reply.status_code, reply.content) == (204, b"")
    assert (await bench.own("get")).json() == [given("level", "7")]
    assert (await bench.own("get_read_only")).json() == [given("vip", "true")]
    wrong = [{**given("level", "high"), "data_type": "integer"}, {**given("vip", "yes"), "data_type": "boolean"}]
    refused = await bench.by_server("update", attributes=wrong)
    assert (error_of(refused), faults_of(refused)) == ((422, "0"), {"attributes.0.value", "attributes.1.value"})
    assert (await bench.own("get")).json() == [given("level", "7")]
    bench.player_id = uuid4()
    assert error_of(await bench.by_server("update", attributes=[given("a", "1")])) == (404, "003-002")


async def test_update_users_read_only_attributes_from_server(client: httpx.AsyncClient, studio: Studio) -> None:
    bench = await make_bench(client, studio)
    await bench.by_server("update_read_only", attributes=[given("rank", "gold"), given("score", "7")])
    reply = await bench.by_server(
        "update_read_only", attributes=[given("rank", "iron")], removing_keys=["rank", "score"]
    )
    assert reply.status_code == 204
    assert (await bench.by_server("get_read_only")).json() == [given("rank", "iron")]
    twice = await bench.by_server("update_read_only", attributes=[given("a", "1"), given("a", "2")])
    assert error_of(twice) == (400, "0")
    assert error_of(await bench.by_server("update_read_only", publisher_id=1)) == (403, "1901-0001")


async def test_get_users_by_attribute_from_server(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    benches = [await make_bench(client, studio) for _ in range(3)]
    stranger = await make_bench(client, other_studio)
    for bench, clan in zip([*benches, stranger], ("red", "red", "blue", "red"), strict=True):
        await bench.own("update", attributes=[given("clan", clan), given("level", "7")])
    red = sorted(str(bench.player_id) for bench in benches[:2])
    found = (await benches[0].search(attribute={"key": "clan", "value": "red"}, keys=["level"])).json()
    assert [user["user_id"] for user in found["users"]] == red
    assert {user["attributes"][0]["key"] for user in found["users"]} == {"level"}
    assert found["after"] is None
    anyone = (await benches[0].search(attribute={"key": "clan", "value": None})).json()
    assert len(anyone["users"]) == 3
    first = (await benches[0].search(attribute={"key": "clan", "value": "red"}, limit=1)).json()
    assert (len(first["users"]), first["after"]) == (1, red[0])
    rest = (await benches[0].search(attribute={"key": "clan", "value": "red"}, limit=1, after=first["after"])).json()
    assert ([user["user_id"] for user in rest["users"]], rest["after"]) == ([red[1]], None)
    assert (await benches[0].search(attribute={"key": "clan"}, attr_type="server")).json()["users"] == []
    assert (await benches[0].search(attribute={"key": "clan"}, limit=0)).json()["users"] == []
    other = str(other_studio.login_project_id)
    assert error_of(await benches[0].search(attribute={"key": "clan"}, login_project_id=other)) == (403, "1901-0001")
    bad = await benches[0].search(attribute={"key": "?"}, limit=21, keys=["k"] * 6, after="x")
    assert (error_of(bad), faults_of(bad)) == ((400, "0"), {"attribute.key", "limit", "keys", "after"})
