"""Signing in and out of the pages, and the forms that only our own pages can send."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from http.cookies import SimpleCookie
from uuid import uuid4

import httpx
import pytest
from visits import PASSWORD, Player, Site, Visitor, make_player, words_of

from haversack.app import build_application
from haversack.clock import real_now
from haversack.database.engine import Database
from haversack.login.actions import ban_player, issue_player_token, log_out_player
from haversack.login.rules import PASSWORD_ATTEMPTS_MAX
from make.backpack import give, held_items
from make.projects import Studio
from make.receiver import Receiver

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "form-action 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


def cookies_of(reply: httpx.Response) -> SimpleCookie:
    """The cookies that an answer sets."""
    cookies: SimpleCookie = SimpleCookie()
    for line in reply.headers.get_list("set-cookie"):
        cookies.load(line)
    return cookies


def check_headers(reply: httpx.Response) -> None:
    """Every page forbids what it does not need, and is kept by nobody."""
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert set(reply.headers["content-security-policy"].split("; ")) == POLICY
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "same-origin"


async def test_front_page(visitor: Visitor) -> None:
    reply = await visitor.open("/")
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack")


async def test_backpack_page(visitor: Visitor, player: Player) -> None:
    reply = await visitor.open("/backpack")
    assert reply.status_code == 200
    assert "Open your Backpack" in words_of(reply.text)
    check_headers(reply)
    await visitor.sign_in(player)
    reply = await visitor.open("/backpack")
    assert "Your Backpack is empty" in words_of(reply.text)
    assert player.name in words_of(reply.text)
    check_headers(reply)


@pytest.mark.parametrize("path", ["/backpack", "/backpack/sign-in", "/docs", "/openapi.json", "/static/backpack.js"])
async def test_head(visitor: Visitor, path: str) -> None:
    head, full = await visitor.client.head(path), await visitor.open(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == full.headers["content-type"]
    assert head.headers["content-length"] == str(len(full.content))


async def test_sign_in_page(visitor: Visitor) -> None:
    reply = await visitor.open(f"/backpack/sign-in?login={uuid4()}")
    assert reply.status_code == 200
    check_headers(reply)
    cookies = cookies_of(reply)
    assert set(cookies) == {"haversack_form", "haversack_login"}
    for cookie in cookies.values():
        assert cookie["httponly"] and cookie["samesite"] == "lax" and not cookie["secure"]
    reply = await visitor.open("/backpack/sign-in?refused=link")
    assert "This link no longer works" in words_of(reply.text)


async def test_sign_in_to_backpack(visitor: Visitor, studio: Studio) -> None:
    player = await make_player(studio, password=PASSWORD)
    await visitor.open(f"/backpack?login={studio.login_project_id}")
    reply = await visitor.send("/backpack/sign-in", username=player.name, password=PASSWORD)
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack")
    cookie = cookies_of(reply)["haversack_player"]
    assert cookie["httponly"] and cookie["samesite"] == "lax" and cookie["path"] == "/"
    assert 0 < int(cookie["max-age"]) <= 90 * 24 * 3600
    assert player.name in words_of((await visitor.open()).text)


async def test_a_token_that_no_cookie_holds(visitor: Visitor, player: Player, studio: Studio) -> None:
    """Browsers drop larger cookies without a word, and the player would stand before the sign-in form again."""

    async def link(scope_length: int) -> str:
        token = await issue_player_token(
            studio.context, studio.login_project_id, player.player_id, scope="s" * scope_length
        )
        return f"/backpack?token={token}"

    reply = await visitor.open(await link(5_500))
    parts = {name: cookie for name, cookie in cookies_of(reply).items() if name.startswith("haversack_player")}
    assert set(parts) == {"haversack_player", "haversack_player_2", "haversack_player_3"}
    for line in reply.headers.get_list("set-cookie"):
        assert len(line) <= 4096
    assert all(
        cookie["httponly"] and cookie["max-age"] == parts["haversack_player"]["max-age"] for cookie in parts.values()
    )
    assert player.name in words_of((await visitor.open()).text)
    # A shorter one leaves nothing of it behind.
    await visitor.open(player.link)
    assert [name for name in visitor.client.cookies if name.startswith("haversack_player")] == ["haversack_player"]
    assert player.name in words_of((await visitor.open()).text)
    await visitor.open(await link(5_500))
    await visitor.send("/backpack/sign-out")
    assert not [name for name in visitor.client.cookies if name.startswith("haversack_player")]


async def test_cookies_are_secure_behind_https(site: Site, player: Player) -> None:
    settings = site.context.settings.model_copy(update={"public_url": "https://play.example.com"})
    application = build_application(replace(site.context, settings=settings))
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="https://play.example.com") as client:
        replies = [await client.get("/backpack"), await client.get(player.link)]
        token = (await client.get("/backpack")).text.partition('name="csrf_token" value="')[2][:64]
        replies.append(await client.post("/backpack/sign-out", data={"csrf_token": token}))
    cookies = [cookie for reply in replies for cookie in cookies_of(reply).values()]
    assert {cookie.key for cookie in cookies} == {"haversack_form", "haversack_player", "haversack_login"}
    for cookie in cookies:
        assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "lax"


async def test_wrong_password(visitor: Visitor, studio: Studio) -> None:
    player = await make_player(studio, password=PASSWORD)
    await visitor.open(f"/backpack?login={studio.login_project_id}")
    pages = []
    for name, password in ((player.name, "lamplight"), ("nobody-of-this-name", PASSWORD)):
        reply = await visitor.send("/backpack/sign-in", username=name, password=password)
        assert reply.status_code == 401
        check_headers(reply)
        assert "haversack_player" not in visitor.client.cookies
        assert f'value="{name}"' in reply.text
        assert password not in reply.text
        pages.append(words_of(reply.text))
    assert pages[0] == pages[1]
    assert "Wrong username or password." in pages[0]


async def test_too_many_wrong_passwords(visitor: Visitor, studio: Studio) -> None:
    player = await make_player(studio, password=PASSWORD)
    await visitor.open(f"/backpack?login={studio.login_project_id}")
    token = await visitor.form_token()
    tries = [
        visitor.send("/backpack/sign-in", username=player.name, password="wrong", csrf_token=token)
        for _ in range(PASSWORD_ATTEMPTS_MAX)
    ]
    assert {reply.status_code for reply in await asyncio.gather(*tries)} == {401}
    reply = await visitor.send("/backpack/sign-in", username=player.name, password=PASSWORD)
    assert reply.status_code == 429
    assert 0 < int(reply.headers["retry-after"]) <= 900
    assert "Too many tries. Wait 15 minutes, then try again." in words_of(reply.text)
    assert "haversack_player" not in visitor.client.cookies


async def test_banned_player(visitor: Visitor, studio: Studio) -> None:
    player = await make_player(studio, password=PASSWORD)
    now = real_now()
    await visitor.sign_in(player)
    await ban_player(
        studio.context, studio.login_project_id, player.player_id, reason="cheats", now=now, until=now + timedelta(1)
    )
    assert "Open your Backpack" in words_of((await visitor.open()).text)
    reply = await visitor.send("/backpack/sign-in", username=player.name, password=PASSWORD)
    assert reply.status_code == 401
    assert "banned" in words_of(reply.text)


async def test_unknown_whose_players_sign_in(visitor: Visitor, studio: Studio, other_studio: Studio) -> None:
    # A browser that remembers a login project of a database that is gone is not sent there for ever.
    player = await make_player(studio, password=PASSWORD)
    await visitor.open(f"/backpack?login={uuid4()}")
    reply = await visitor.send("/backpack/sign-in", username=player.name, password=PASSWORD)
    assert reply.status_code == 400
    assert "Open the Backpack from your game's menu." in words_of(reply.text)


async def test_sign_out_of_backpack(visitor: Visitor, player: Player) -> None:
    await visitor.sign_in(player)
    reply = await visitor.send("/backpack/sign-out")
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack/sign-in")
    assert "haversack_player" not in visitor.client.cookies
    assert player.name not in words_of((await visitor.open()).text)


async def test_link_of_a_game(visitor: Visitor, player: Player) -> None:
    reply = await visitor.open(player.link)
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack")
    assert player.token not in reply.text
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("why", ["expired", "logged out", "no token at all"])
async def test_refused_link_of_a_game(visitor: Visitor, studio: Studio, why: str) -> None:
    player = await make_player(studio)
    token = player.token
    if why == "expired":
        life = timedelta(seconds=-1)
        token = await issue_player_token(studio.context, studio.login_project_id, player.player_id, life=life)
    elif why == "logged out":
        await log_out_player(studio.context, studio.login_project_id, player.player_id, now=real_now())
    else:
        token = "lamplight"
    reply = await visitor.open(f"/backpack?token={token}")
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack/sign-in?refused=link")
    assert "haversack_player" not in visitor.client.cookies


async def test_link_page(visitor: Visitor, player: Player) -> None:
    reply = await visitor.open("/backpack/link/steam")
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack/sign-in")
    await visitor.sign_in(player)
    reply = await visitor.open("/backpack/link/steam")
    assert reply.status_code == 200
    check_headers(reply)
    assert "Works for 10 minutes, once." in words_of(reply.text)
    reply = await visitor.open("/backpack/link/abacus")
    assert reply.status_code == 404
    check_headers(reply)


FORGERIES = ["no token", "another visitor's token", "another site", "no site", "a sandboxed frame", "no cookie"]


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_forged_form(
    visitor: Visitor, site: Site, player: Player, game: Receiver, client: httpx.AsyncClient, forgery: str
) -> None:
    await visitor.sign_in(player)
    item = await give(client, player.studio, player.player_id, "virtual_items")
    token, headers = await visitor.form_token(), {}
    if forgery == "no token":
        token = ""
    elif forgery == "another visitor's token":
        async with Visitor(site) as other:
            token = await other.form_token()
    elif forgery == "another site":
        headers = {"Origin": "https://shop.example.com"}
    elif forgery == "no site":
        headers = {"Origin": "http://["}
    elif forgery == "a sandboxed frame":
        headers = {"Origin": "null"}
    else:
        del visitor.client.cookies["haversack_form"]
    for path in (f"/backpack/items/{item['item_id']}/receive", "/backpack/sign-out", "/backpack/sign-in"):
        reply = await visitor.client.post(
            path, data={"csrf_token": token, "user_game_id": "hero-7"}, headers={"Origin": site.url, **headers}
        )
        assert reply.status_code == 403
        check_headers(reply)
        assert "This page has expired" in words_of(reply.text)
        assert "set-cookie" not in reply.headers
    assert game.received == []
    assert len(await held_items(client, player.studio, player.player_id)) == 1
    assert player.name in words_of((await visitor.open()).text)


async def test_form_through_a_proxy_that_names_itself(visitor: Visitor, player: Player, site: Site) -> None:
    await visitor.sign_in(player)
    reply = await visitor.send("/backpack/sign-out", headers={"Host": "backend-3:8044", "Origin": site.url})
    assert reply.status_code == 303


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/backpack/nothing", 404, "There is nothing here"),
        ("GET", "/backpack/link", 404, "There is nothing here"),
        ("GET", "/backpack?login=17", 400, "This page cannot be opened"),
        ("GET", "/static/nothing.css", 404, "There is nothing here"),
        ("GET", "/static/%2e%2e/operations.py", 404, "There is nothing here"),
        ("GET", "/demo/", 404, "There is nothing here"),
        ("GET", "/docs/assets/nothing.js", 404, "There is nothing here"),
        ("GET", "/backpack/%00", 404, "There is nothing here"),
        ("POST", "/backpack/items/17/receive", 400, "This page cannot be opened"),
        ("DELETE", "/backpack", 405, "This page cannot be opened"),
    ],
)
async def test_error_pages(visitor: Visitor, method: str, path: str, status: int, title: str) -> None:
    reply = await visitor.client.request(method, path)
    assert reply.status_code == status
    check_headers(reply)
    shown = words_of(reply.text)
    assert title in shown
    for internal in ("page.", "uuid", "Traceback", "item_id", "login"):
        assert internal not in shown


async def test_page_without_database(site: Site, player: Player) -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/nothing", acquire_seconds=0.5) as database:
        application = build_application(replace(site.context, database=database))
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url=site.url) as client:
            client.cookies.set("haversack_player", player.token)
            reply = await client.get("/backpack")
    assert reply.status_code == 503
    check_headers(reply)
    assert "Back in a moment" in words_of(reply.text)
    assert int(reply.headers["retry-after"]) > 0
    assert "127.0.0.1:1" not in reply.text and "asyncpg" not in reply.text
