"""The demo world: seeded once, received from to the end, and found again at another address."""

import re
from dataclasses import asdict, replace
from pathlib import Path
from uuid import UUID

import httpx
import orjson
import pytest
from visits import Site, Visitor, card_of, words_of

from haversack.clock import real_now
from haversack.context import Context
from haversack.demo.content import ITEMS
from haversack.demo.seed import (
    DEMO_FILE,
    PLAYER_NAME,
    PLAYER_PASSWORD,
    Demo,
    demo_player_token,
    read_demo,
    seed_demo,
)
from haversack.pages.shipped import find_shipped_picture
from haversack.webhooks.actions import save_endpoint
from haversack.webhooks.queries.endpoints import find_endpoint
from haversack.webhooks.records import Purpose
from haversack.webhooks.signing import signed_headers
from processes.running import until


@pytest.fixture
async def juno(visitor: Visitor, demo: Demo) -> Visitor:
    """The demo's player, signed in by name as the screen of `haversack dev` says."""
    await visitor.open(f"/backpack?login={demo.login_project_id}")
    reply = await visitor.send("/backpack/sign-in", username=PLAYER_NAME, password=PLAYER_PASSWORD)
    assert reply.status_code == 303
    return visitor


async def items_by_name(client: httpx.AsyncClient, context: Context, demo: Demo) -> dict[str, dict[str, str]]:
    """What the demo's player holds."""
    token = await demo_player_token(context, demo)
    reply = await client.get("/web/backpack/items", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 200
    return {item["item_name"]: item for item in reply.json()}


async def test_demo_backpack(juno: Visitor, client: httpx.AsyncClient, site: Site, demo: Demo) -> None:
    page = (await juno.open()).text
    shown = words_of(page)
    assert PLAYER_NAME in shown
    assert f"All {len(ITEMS)}" in shown
    assert shown.index("Cirrus Couriers 6 items") < shown.index("Lanternfall 7 items")
    # Within a game the items stand as they were written down.
    names = [item.item_name for item in ITEMS if item.item_name in shown and item.external_game_id == "lanternfall"]
    places = [page.index(f">{name}</h3>") for name in names if f">{name}</h3>" in page]
    assert len(places) >= 5
    assert places == sorted(places)
    for item in (await items_by_name(client, site.context, demo)).values():
        reply = await client.get(item["image_proxy_url"], headers={"Accept": "image/webp"})
        assert (reply.status_code, reply.headers["content-type"]) == (200, "image/webp")


async def test_demo_game(juno: Visitor, client: httpx.AsyncClient, site: Site, demo: Demo) -> None:
    """Its game refuses, is away, and in the end grants once, as its description says."""
    item = (await items_by_name(client, site.context, demo))["Stormglass Lantern"]
    for user_game_id, words in (
        ("nobody-1", "The game does not know this player id."),
        ("away-1", "The game cannot be reached right now."),
        ("refuse-1", "The game did not take the item: The player's bag is full."),
    ):
        assert words in words_of(card_of((await juno.receive(item, user_game_id)).text, item))
    reply = await juno.receive(item, "keeper-2041")
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack?done=received")
    reply = await client.get("/demo/game")
    assert reply.headers["content-type"] == "application/json"
    (granted,) = [grant for grant in reply.json() if grant["player"] == "keeper-2041"]
    assert [each["sku"] for each in granted["items"]] == ["lanternfall.stormglass-lantern"]


@pytest.mark.parametrize("fault", ["no signature", "another secret", "another body"])
async def test_demo_game_webhook(client: httpx.AsyncClient, demo: Demo, fault: str) -> None:
    body = orjson.dumps({"notification_type": "order_paid", "user": {"external_id": "thief"}, "items": []})
    secret = "another secret" if fault == "another secret" else demo.webhook_secret
    headers = signed_headers(body, [secret], event_id="evt_1", now=real_now())
    if fault == "no signature":
        headers = {}
    elif fault == "another body":
        body += b" "
    reply = await client.post("/demo/game/webhook", content=body, headers=headers)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "INVALID_SIGNATURE"
    assert "thief" not in (await client.get("/demo/game")).text


@pytest.mark.parametrize(("player", "quantity"), [("keeper-2041", None), (None, None), ("few-17", 1), ("nobody", 0)])
async def test_demo_game_webhook_offers_everything(
    client: httpx.AsyncClient, demo: Demo, player: str | None, quantity: int | None
) -> None:
    body = orjson.dumps({"notification_type": "partner_side_catalog", "user": {"user_id": player, "id": player}})
    headers = signed_headers(body, [demo.webhook_secret], event_id="evt_2", now=real_now())
    reply = await client.post("/demo/game/webhook", content=body, headers=headers)
    if player == "nobody":
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "INVALID_USER")
        return
    shown = (await client.get(f"/api/v2/project/{demo.project_id}/items")).json()["items"]
    offered = reply.json()
    assert {each["sku"] for each in shown} <= {each["sku"] for each in offered}
    assert {each["quantity"] for each in offered} == {quantity}


async def test_demo_is_seeded_once(site: Site, demo: Demo) -> None:
    assert await seed_demo(site.context) == demo == read_demo(site.context.settings.data_folder)
    path = site.context.settings.data_folder / DEMO_FILE
    assert path.stat().st_mode & 0o077 == 0, "its keys are nobody else's business"
    assert demo.api_key not in repr(demo)


async def test_demo_at_another_address(site: Site, demo: Demo, client: httpx.AsyncClient) -> None:
    context = site.context
    moved = replace(context, settings=context.settings.model_copy(update={"public_url": "http://127.0.0.1:8099"}))
    db, project_id = context.database.session(), demo.project_id

    async def game_address() -> str:
        endpoint = await find_endpoint(db, context.sealer, project_id, Purpose.STORE)
        assert endpoint is not None
        return endpoint.url

    async def addresses() -> set[str]:
        """Where all that a shop and the Backpack show has its pictures, as scheme, host and port."""
        found = await (await client.get(f"/api/v2/project/{project_id}/items?additional_fields[]=media_list")).aread()
        games = await (await client.get(f"/api/v2/project/{project_id}/items/game")).aread()
        held = orjson.dumps(await items_by_name(client, context, demo))
        assert b"/demo/" in found and b"/demo/" in games and b"/demo/" in held
        return set(re.findall(r'"(http://127\.0\.0\.1:\d+)/demo/', (found + games + held).decode()))

    async def is_at(url: str) -> bool:
        # Processes that serve hear of it.
        return await addresses() == {url}

    assert await is_at(site.url)
    try:
        assert (await seed_demo(moved)).public_url == "http://127.0.0.1:8099"
        assert await game_address() == "http://127.0.0.1:8099/demo/game/webhook"
        await until(lambda: is_at("http://127.0.0.1:8099"), "pictures are at the new address")
        # A developer may have put an address from before into items of their own.
        assert find_shipped_picture(site.picture("glims.webp"), "http://127.0.0.1:8099") is not None
    finally:
        assert await seed_demo(context) == demo
    assert await game_address() == f"{site.url}/demo/game/webhook"
    await until(lambda: is_at(site.url), "pictures are at the old address")


async def test_game_of_the_developer_stays_set(site: Site, demo: Demo) -> None:
    context = site.context
    project = await context.directory.find_project(demo.project_id)
    assert project is not None
    moved = replace(context, settings=context.settings.model_copy(update={"public_url": "http://127.0.0.1:8099"}))

    async def set_game(url: str) -> None:
        await save_endpoint(
            context,
            context.database.session(),
            project,
            purpose=Purpose.STORE,
            url=url,
            secret=demo.webhook_secret,
            is_enabled=True,
        )

    await set_game("http://127.0.0.1:8097/my-game")
    try:
        await seed_demo(moved)
        db = context.database.session()
        endpoint = await find_endpoint(db, context.sealer, demo.project_id, Purpose.STORE)
        assert endpoint is not None and endpoint.url == "http://127.0.0.1:8097/my-game"
    finally:
        await set_game(f"{site.url}/demo/game/webhook")
        await seed_demo(context)


async def test_demo_of_another_database_is_made_anew(site: Site, demo: Demo, tmp_path: Path) -> None:
    stale = replace(demo, project_id=2**31 - 1, login_project_id=str(UUID(int=1)))
    (tmp_path / DEMO_FILE).write_bytes(orjson.dumps(asdict(stale)))
    settings = site.context.settings.model_copy(update={"data_folder": tmp_path})
    made = await seed_demo(replace(site.context, settings=settings))
    assert made.project_id not in (stale.project_id, demo.project_id)
    assert read_demo(tmp_path) == made


@pytest.mark.parametrize(
    "url",
    [
        "/demo/../seed.py",
        "/demo/.hidden.webp",
        "/static/haversack.css",
        "/demo/none.webp",
        "http://example.com/demo/glims.webp",
        "http://127.0.0.1:8044/other/glims.webp",
    ],
)
def test_what_is_no_shipped_picture(url: str) -> None:
    assert find_shipped_picture(url, "http://127.0.0.1:8044") is None
