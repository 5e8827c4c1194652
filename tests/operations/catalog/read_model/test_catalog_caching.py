"""What is kept between requests: tags and 304, answers from memory, games in browsers, tokens that open nothing."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.app import build_application
from haversack.catalog.read_model.queries import Knowing, list_players, unpacked_standing
from haversack.catalog.read_model.records import PackedUses
from haversack.context import Context, open_context
from haversack.database.engine import Database, DatabaseAway
from haversack.database.shared_reads import SharedReads
from haversack.http.browsers import OPEN_HEADERS
from haversack.login.actions import issue_player_token
from haversack.settings import Settings
from make.catalog import put_item, virtual_item
from make.client_catalog import catalog_path, id_of, new_player, read_skus, sell, use
from make.projects import Studio
from processes.running import free_port

LIMITS = {"per_user": 2, "per_item": None, "recurrent_schedule": None}


async def test_answers_have_a_tag(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    for rest in ("/virtual_items", f"/virtual_items/sku/{sku}", "/groups", ""):
        path = catalog_path(studio, rest)
        first = await client.get(path)
        etag = first.headers["etag"]
        assert etag.startswith('"')
        for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            for _ in range(2):
                reply = await client.get(path, headers={"If-None-Match": sent})
                assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", etag)
        reply = await client.get(path, headers={"If-None-Match": '"other"'})
        assert (reply.status_code, reply.content) == (200, first.content)


async def test_a_tag_ends_with_what_it_was_for(client: httpx.AsyncClient, studio: Studio) -> None:
    body = virtual_item()
    sku = await sell(client, studio, body)
    path = catalog_path(studio, "/virtual_items")
    etag = (await client.get(path)).headers["etag"]
    await put_item(client, studio, "virtual_item", sku, {**body, "name": {"en": "Torch"}})
    reply = await client.get(path, headers={"If-None-Match": etag})
    assert (reply.status_code, reply.json()["items"][0]["name"]) == (200, "Torch")
    # Bytes that are the same again have the same tag.
    await put_item(client, studio, "virtual_item", sku, body)
    assert (await client.get(path, headers={"If-None-Match": etag})).status_code == 304


async def test_what_is_personal_has_no_tag(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(limits=LIMITS))
    player_id, headers = await new_player(studio)
    path = catalog_path(studio, "/virtual_items")
    anonymous = await client.get(path)
    untouched = await client.get(path, headers=headers)
    assert untouched.content == anonymous.content
    await use(studio, player_id, await id_of(client, studio, sku), 1)
    for _ in range(2):
        reply = await client.get(path, headers={**headers, "If-None-Match": anonymous.headers["etag"]})
        assert reply.status_code == 200
        assert reply.json()["items"][0]["limits"]["per_user"]["available"] == 1
        assert reply.headers["cache-control"] == "private, no-store"
        assert "etag" not in reply.headers


async def test_every_write_is_in_the_next_read(client: httpx.AsyncClient, studio: Studio) -> None:
    body = virtual_item(name={"en": "0"})
    sku = await sell(client, studio, body)
    path = catalog_path(studio, "/virtual_items")
    for number in range(1, 20):
        changed = {**body, "name": {"en": str(number)}}
        assert (await put_item(client, studio, "virtual_item", sku, changed)).is_success
        assert (await client.get(path)).json()["items"][0]["name"] == str(number)


@pytest.fixture
async def elsewhere(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a second process on the same database."""
    async with open_context(settings) as other:
        assert await other.notifications.wait_until_listening(10)
        transport = httpx.ASGITransport(app=build_application(other))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8045") as client:
            yield client


async def test_another_process_sees_a_write(
    client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, studio: Studio
) -> None:
    body = virtual_item(name={"en": "0"})
    sku = await sell(client, studio, body)
    path = catalog_path(studio, "/virtual_items")
    assert (await elsewhere.get(path)).json()["items"][0]["name"] == "0"
    await put_item(client, studio, "virtual_item", sku, {**body, "name": {"en": "1"}})
    async with asyncio.timeout(10):
        while (await elsewhere.get(path)).json()["items"][0]["name"] == "0":  # noqa: ASYNC110
            await asyncio.sleep(0)  # the answer comes from memory: nothing else lets the notification in


async def test_a_process_that_cannot_hear_looks_for_writes(
    client: httpx.AsyncClient, settings: Settings, studio: Studio
) -> None:
    body = virtual_item(name={"en": "0"})
    sku = await sell(client, studio, body)
    path = catalog_path(studio, "/virtual_items")
    async with open_context(settings) as deaf:
        await deaf.notifications.stop()
        assert not deaf.notifications.is_listening
        transport = httpx.ASGITransport(app=build_application(deaf))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8045") as there:
            for number in range(5):
                await put_item(client, studio, "virtual_item", sku, {**body, "name": {"en": str(number)}})
                assert (await there.get(path)).json()["items"][0]["name"] == str(number)


async def test_games_in_browsers(client: httpx.AsyncClient, studio: Studio) -> None:
    """Any site may call the API, with a token too; pages are not opened to other sites."""
    await sell(client, studio, virtual_item())
    path = catalog_path(studio, "/virtual_items")
    for target in (path, path, catalog_path(studio, "/sku/unknown"), "/api/v2/nothing", "/web/backpack/items"):
        reply = await client.get(target, headers={"Origin": "https://game.example.com"})
        assert reply.headers.get_list("access-control-allow-origin") == ["*"], target
    for target in ("/", "/docs", "/static/mark.svg", "/openapi.json"):
        assert "access-control-allow-origin" not in (await client.get(target)).headers
    preflight = await client.options(
        path,
        headers={
            "Origin": "https://game.example.com",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,x-game",
        },
    )
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert preflight.headers["access-control-allow-headers"] == "authorization,x-game"
    assert OPEN_HEADERS[0][0].decode() in preflight.headers
    assert (await client.options("/api/v2/nothing")).status_code == 404
    assert (await client.options("/docs")).status_code == 405


async def test_heads(client: httpx.AsyncClient, studio: Studio) -> None:
    await sell(client, studio, virtual_item())
    path = catalog_path(studio, "/virtual_items")
    body = (await client.get(path)).content
    reply = await client.head(path)
    assert (reply.status_code, reply.headers["content-length"]) == (200, str(len(body)))


async def test_tokens(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    """No token is needed; one that opens nothing here is refused, also where the address is known."""
    await sell(client, studio, virtual_item())
    path = catalog_path(studio, "/virtual_items")
    token = await issue_player_token(studio.context, studio.login_project_id, uuid4())
    foreign = await issue_player_token(studio.context, other_studio.login_project_id, uuid4())
    server = await studio.server_token(client)
    for _ in range(2):
        for header in (None, "", "Bearer", "Bearer ", f"Bearer {token}", f"bearer {token}"):
            reply = await client.get(path, headers={} if header is None else {"Authorization": header})
            assert reply.status_code == 200, header
        for header in ("Bearer x", f"Bearer {token}x", f"Bearer {foreign}", f"Bearer {server}", "Basic eDp5", "x"):
            reply = await client.get(path, headers={"Authorization": header})
            assert reply.status_code == 401, header
            assert (reply.json()["statusCode"], reply.json()["errorCode"]) == (401, 1020)


async def test_api_keys(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    """A back end that has no player's token at hand sends its key, and sees the shop as anyone does."""
    await sell(client, studio, virtual_item())
    for rest in ("/virtual_items", "/groups"):
        path = catalog_path(studio, rest)
        open_to_all = (await client.get(path)).json()
        for number in (studio.project_id, studio.merchant_id):
            for _ in range(2):
                reply = await client.get(path, auth=(str(number), studio.api_key))
                assert (reply.status_code, reply.json()) == (200, open_to_all)
        for credentials in (other_studio.basic, (str(studio.project_id), "x")):
            refused = await client.get(path, auth=credentials)
            assert (refused.status_code, refused.json()["errorCode"]) == (401, 1020)


async def test_unknown_parameters_are_ignored(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    assert await read_skus(client, studio, "/virtual_items", colour="red", sku="x") == [sku]


async def test_reads_of_uses_are_bundled_and_each_is_of_its_own_player(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    await sell(client, studio, virtual_item(sku="rope", limits={"per_user": 9}))
    item_id = await id_of(client, studio, "rope")
    players = [uuid4() for _ in range(5)]
    for used, player_id in enumerate(players[1:], start=1):
        await use(studio, player_id, item_id, used)
    reads = context.catalogs.players
    knowing = Knowing(studio.project_id)
    read = await asyncio.gather(*(reads.read(knowing, each) for each in [*players, players[2]]))
    counts = [{each: uses.uses.used for each, uses in unpacked_standing(one).items.items()} for one in read]
    assert counts == [{}, {item_id: 1}, {item_id: 2}, {item_id: 3}, {item_id: 4}, {item_id: 2}]


async def test_reads_of_uses_without_a_database() -> None:
    async with Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing") as database:
        reads: SharedReads[Knowing, UUID, PackedUses] = SharedReads(database, list_players, nothing=PackedUses(""))
        for _ in range(2):
            read = await asyncio.gather(*(reads.read(Knowing(1), uuid4()) for _ in range(3)), return_exceptions=True)
            assert all(isinstance(each, DatabaseAway) for each in read)
