"""Which tokens open a call: signatures, times, issuers, keys, revocation; and what is remembered of them."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
import pytest
from aiohttp import web
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from haversack.clock import real_now
from haversack.context import Context, open_context
from haversack.login.actions import (
    ban_player,
    lift_ban,
    log_out_player,
    set_algorithm,
    trust_outside_issuer,
    trust_own_accounts,
)
from haversack.login.queries.projects import find_login_project, list_keys
from haversack.login.records import Algorithm
from haversack.login.signing import public_key
from haversack.login.tokens import TokenRefused
from haversack.settings import Settings
from make.login import (
    bearer,
    claims_of,
    error_of,
    make_public_client,
    part_of,
    player_of,
    register,
    sign_device_in,
    sign_in,
)
from make.projects import Studio

ME = "/api/users/me"


async def _status(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get(ME, headers=bearer(token))).status_code


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    body = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{body}.{_b64(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


async def _secret(context: Context, studio: Studio) -> bytes:
    project = await find_login_project(context.database.session(), context.sealer, studio.login_project_id)
    assert project is not None
    return project.secret


# -- What is refused ------------------------------------------------------------------------------------------------

HS256 = {"alg": "HS256", "typ": "JWT"}
Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: {**c, "exp": int(time.time()) - 1}, "expired"),
        (lambda c: {k: v for k, v in c.items() if k != "exp"}, "expiry"),
        (lambda c: {**c, "exp": "soon"}, "expiry"),
        (lambda c: {**c, "nbf": int(time.time()) + 300}, "not valid yet"),
        (lambda c: {**c, "nbf": "later"}, "not valid yet"),
        (lambda c: {**c, "iss": "https://evil.example"}, "issuer"),
        (lambda c: {**c, "xsolla_login_project_id": str(uuid4())}, "no login project"),
        (lambda c: {**c, "xsolla_login_project_id": 5}, "no login project"),
        (lambda c: {**c, "sub": str(uuid4())}, "does not exist"),
        (lambda c: {**c, "sub": "somebody"}, "no uuid"),
        (lambda c: {k: v for k, v in c.items() if k != "sub"}, "no player"),
        (lambda c: {**c, "sub": {"a": 1}}, "no player"),
    ],
)
async def test_claims_are_checked(
    client: httpx.AsyncClient, studio: Studio, context: Context, change: Change, sentence: str
) -> None:
    secret, claims = await _secret(context, studio), claims_of(await sign_device_in(client, studio.login_project_id))
    assert await _status(client, _signed(HS256, claims, secret)) == 200
    reply = await client.get(ME, headers=bearer(_signed(HS256, change(claims), secret)))
    assert error_of(reply) == (401, "002-016")
    assert sentence in reply.json()["error"]["description"]


async def test_signatures_are_checked(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    secret, token = await _secret(context, studio), await sign_device_in(client, studio.login_project_id)
    claims = claims_of(token)
    head, body, signature = token.split(".")
    none = _b64(b'{"alg":"none"}')
    for forged in (
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{signature}.x",
        _signed(HS256, claims, b"another secret that is long enough"),
        _signed({"alg": "HS256", "crit": ["exp"]}, claims, secret),
        _signed({"alg": "HS512"}, claims, secret),
        _signed({"alg": "RS256", "kid": "x"}, claims, secret),
        _signed({"alg": 5}, claims, secret),
        "x" * 9000,
        "ä.ö.ü",
    ):
        reply = await client.get(ME, headers={"Authorization": f"Bearer {forged}".encode()})
        assert error_of(reply) == (401, "002-016"), forged


async def test_public_key_is_no_secret(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    db = context.database.session()
    old = await sign_device_in(client, studio.login_project_id)
    assert await _status(client, old) == 200
    await set_algorithm(db, context.sealer, studio.login_project_id, Algorithm.RS256)
    token = await sign_device_in(client, studio.login_project_id)
    assert part_of(token, 0)["alg"] == "RS256"
    # Another process, or this one a moment later, has heard of the change.
    assert await _status_becomes(client, token, 200)
    assert await _status_becomes(client, old, 401)
    keys = await list_keys(db, studio.login_project_id, now=real_now())
    pem = public_key(keys[0]).as_pem(private=False)
    for secret in (pem, pem.strip(), await _secret(context, studio)):
        assert await _status(client, _signed(HS256, claims_of(token), secret)) == 401


async def _status_becomes(client: httpx.AsyncClient, token: str, status: int) -> bool:
    return await _becomes(lambda: _status(client, token), status)


async def _becomes(look: Callable[[], Awaitable[object]], wanted: object) -> bool:
    """Whether what is looked at becomes what is wanted, within five seconds."""
    async with asyncio.timeout(5):
        while await look() != wanted:  # noqa: ASYNC110  (what is waited for happens in the database)
            await asyncio.sleep(0.01)
    return True


async def test_players_and_servers_are_told_apart(client: httpx.AsyncClient, studio: Studio) -> None:
    server, player = await studio.server_token(client), await sign_device_in(client, studio.login_project_id)
    assert await _status(client, server) == 401
    path = f"/api/projects/{studio.login_project_id}/users/search/by_id/{player_of(player)}"
    for header in (player, f"Bearer {player}"):
        assert error_of(await client.get(path, headers={"X-SERVER-AUTHORIZATION": header})) == (401, "002-016")
    for header in (server, f"Bearer {server}"):
        assert (await client.get(path, headers={"X-SERVER-AUTHORIZATION": header})).status_code == 200


# -- Logout, ban ----------------------------------------------------------------------------------------------------


async def test_log_user_out(client: httpx.AsyncClient, studio: Studio, client_id: int) -> None:
    account = await register(client, client_id)
    tokens = [await sign_in(client, client_id, account, scope="offline") for _ in range(2)]
    other = await sign_device_in(client, studio.login_project_id)
    headers = bearer(tokens[0]["access_token"])
    assert (await client.get("/api/oauth2/logout", params={"sessions": "sso"}, headers=headers)).status_code == 204
    assert [await _status(client, each["access_token"]) for each in tokens] == [200, 200]
    reply = await client.get("/api/oauth2/logout", params={"sessions": "all"}, headers=headers)
    assert (reply.status_code, reply.content) == (204, b"")
    assert [await _status(client, each["access_token"]) for each in tokens] == [401, 401]
    form = {"grant_type": "refresh_token", "client_id": str(client_id), "refresh_token": tokens[1]["refresh_token"]}
    assert error_of(await client.post("/api/oauth2/token", data=form)) == (400, "010-023")
    assert await _status(client, other) == 200
    # A sign-in of the same second opens a new session.
    assert await _status(client, (await sign_in(client, client_id, account))["access_token"]) == 200
    bad = await client.get("/api/oauth2/logout", params={"sessions": "most"}, headers=bearer(other))
    assert error_of(bad) == (422, "0")


async def test_bans_close_and_open(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    token = await sign_device_in(client, studio.login_project_id)
    assert await _status(client, token) == 200
    await ban_player(context, studio.login_project_id, player_of(token), reason="cheating", now=real_now())
    reply = await client.get(ME, headers=bearer(token))
    assert error_of(reply) == (401, "002-016")
    assert "banned" in reply.json()["error"]["description"]
    await lift_ban(context, studio.login_project_id, player_of(token))
    assert await _status(client, token) == 200


async def test_other_processes_hear_of_it(client: httpx.AsyncClient, studio: Studio, settings: Settings) -> None:
    token = await sign_device_in(client, studio.login_project_id)
    async with open_context(settings) as other:
        assert await other.notifications.wait_until_listening(10)
        identity = await other.tokens.verify_player(token)
        assert await other.tokens.verify_player(token) is identity  # remembered
        await client.get("/api/oauth2/logout", params={"sessions": "all"}, headers=bearer(token))
        assert await _becomes(lambda: _opens(other, token), False)
        # A process that cannot hear of changes remembers nothing.
        fresh = await sign_device_in(client, studio.login_project_id)
        await other.notifications.stop()
        first = await other.tokens.verify_player(fresh)
        assert await other.tokens.verify_player(fresh) is not first
        await log_out_player(studio.context, studio.login_project_id, first.player_id, now=real_now())
        assert not await _opens(other, fresh)


async def _opens(context: Context, token: str) -> bool:
    try:
        await context.tokens.verify_player(token)
    except TokenRefused:
        return False
    return True


# -- Keys -----------------------------------------------------------------------------------------------------------


async def test_get_projects_keys(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    path = f"/api/projects/{studio.login_project_id}/keys"
    assert (await client.get(path)).json() == []  # it signs with a secret
    await set_algorithm(context.database.session(), context.sealer, studio.login_project_id, Algorithm.RS256)
    token = await sign_device_in(client, studio.login_project_id)
    keys = (await client.get(path)).json()
    assert [key["kid"] for key in keys] == [part_of(token, 0)["kid"]]
    # As the Go SDK reads it: hexadecimal numbers.
    key = RSAKey.import_key(
        {"kty": "RSA", "n": _b64(bytes.fromhex(keys[0]["n"])), "e": _b64(bytes.fromhex(keys[0]["e"].zfill(6)))}
    )
    assert keys[0]["e"] == "10001"
    assert jwt.decode(token, key, algorithms=["RS256"]).claims == claims_of(token)
    assert error_of(await client.get(f"/api/projects/{uuid4()}/keys")) == (404, "003-019")
    assert error_of(await client.get("/api/projects/5/keys")) == (400, "0")


async def test_get_projects_web_keys(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    await set_algorithm(context.database.session(), context.sealer, studio.login_project_id, Algorithm.RS256)
    token = await sign_device_in(client, studio.login_project_id)
    path = f"/api/projects/{studio.login_project_id}/.well-known/jwks.json"
    (entry,) = (await client.get(path)).json()["keys"]
    assert jwt.decode(token, RSAKey.import_key(entry), algorithms=["RS256"]).claims == claims_of(token)
    assert error_of(await client.get(f"/api/projects/{uuid4()}/.well-known/jwks.json")) == (404, "003-019")


async def test_post_projects_key(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context
) -> None:
    await set_algorithm(context.database.session(), context.sealer, studio.login_project_id, Algorithm.RS256)
    path, headers = f"/api/projects/{studio.login_project_id}/keys", await studio.server_headers(client)
    old = await sign_device_in(client, studio.login_project_id)
    reply = await client.post(path, headers=headers)
    assert reply.status_code == 200
    new = await sign_device_in(client, studio.login_project_id)
    assert part_of(new, 0)["kid"] == reply.json()["kid"] != part_of(old, 0)["kid"]
    assert [await _status(client, token) for token in (old, new)] == [200, 200]
    keys = (await client.get(path)).json()
    assert [key["kid"] for key in keys] == [part_of(new, 0)["kid"], part_of(old, 0)["kid"]]
    foreign = await client.post(path, headers=await other_studio.server_headers(client))
    assert error_of(foreign) == (404, "003-019")
    assert error_of(await client.post(path)) == (401, "002-016")
    assert error_of(await client.post("/api/projects/x/keys", headers=headers)) == (400, "0")


async def test_post_projects_key_not_without_end(client: httpx.AsyncClient, studio: Studio) -> None:
    path, headers = f"/api/projects/{studio.login_project_id}/keys", await studio.server_headers(client)
    replies = await asyncio.gather(*(client.post(path, headers=headers) for _ in range(12)))
    assert sorted(reply.status_code for reply in replies) == [200] * 10 + [429] * 2
    assert len((await client.get(path)).json()) == 10


# -- Outside issuers ------------------------------------------------------------------------------------------------

ISSUER = "https://id.example"


class Issuer:
    """An outside issuer: signs tokens, and answers its keys while `is_up`."""

    def __init__(self) -> None:
        self.keys = {"one": RSAKey.generate_key(2048), "two": ECKey.generate_key("P-256")}
        self.published = ["one"]
        self.is_up = True
        self.asked = 0
        self.url = ""

    def token(self, kid: str | None = "one", **claims: Any) -> str:
        key = self.keys[kid or "one"]
        header = {"alg": "RS256" if isinstance(key, RSAKey) else "ES256", "x-hint": "unregistered"}
        if kid is not None:
            header["kid"] = kid
        registry = _lenient_registry(header["alg"])
        body = {"iss": ISSUER, "exp": int(time.time()) + 600, "iat": int(time.time()), **claims}
        return jwt.encode(header, body, key, registry=registry)

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        if not self.is_up:
            return web.Response(status=500)
        keys = [{**self.keys[kid].as_dict(private=False), "kid": kid, "use": "sig"} for kid in self.published]
        return web.json_response({"keys": [*keys, {"kty": "unknown"}, 5]})


def _lenient_registry(algorithm: str) -> jws.JWSRegistry:
    return jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """An outside issuer with an address on this machine."""
    made = Issuer()
    app = web.Application()
    app.router.add_get("/jwks", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    made.url = f"http://127.0.0.1:{port}/jwks"
    yield made
    await runner.cleanup()


async def _trust(studio: Studio, outside: Issuer, **more: Any) -> None:
    context = studio.context
    given = {"issuer": ISSUER, "jwks_url": outside.url, **more}
    await trust_outside_issuer(context.database.session(), context.sealer, studio.login_project_id, **given)


async def test_outside_issuer_by_keys(client: httpx.AsyncClient, studio: Studio, issuer: Issuer) -> None:
    own = await sign_device_in(client, studio.login_project_id)
    await _trust(studio, issuer)
    mine = {"xsolla_login_project_id": str(studio.login_project_id)}
    subject = str(uuid4())
    replies = [
        await client.get(ME, headers=bearer(issuer.token(sub=subject, nickname="Juno", **mine))),
        await client.get(ME, headers=bearer(issuer.token(sub="auth0|5f7c", name="Ada", **mine))),
        await client.get(ME, headers=bearer(issuer.token(kid=None, sub="auth0|5f7c", **mine))),
    ]
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    assert replies[0].json()["id"] == subject
    assert replies[0].json()["nickname"] == "Juno"
    expected = str(uuid5(studio.login_project_id, "auth0|5f7c"))
    assert [reply.json()["id"] for reply in replies[1:]] == [expected, expected]
    assert issuer.asked == 1
    # The project's own tokens are void: it trusts the outside issuer instead.
    assert await _status_becomes(client, own, 401)
    await trust_own_accounts(studio.context.database.session(), studio.context.sealer, studio.login_project_id)
    assert await _status_becomes(client, own, 200)


async def test_outside_issuer_with_new_keys(client: httpx.AsyncClient, studio: Studio, issuer: Issuer) -> None:
    await _trust(studio, issuer)
    mine = {"xsolla_login_project_id": str(studio.login_project_id), "sub": "somebody"}
    issuer.published = ["one", "two"]
    assert await _status(client, issuer.token("two", **mine)) == 200
    # Unknown keys do not make us ask again and again.
    issuer.keys["three"] = RSAKey.generate_key(2048)
    for _ in range(5):
        assert await _status(client, issuer.token("three", **mine)) == 401
    assert issuer.asked == 1


async def test_outside_issuer_that_is_away(client: httpx.AsyncClient, studio: Studio, issuer: Issuer) -> None:
    await _trust(studio, issuer)
    issuer.is_up = False
    token = issuer.token(sub="somebody", xsolla_login_project_id=str(studio.login_project_id))
    replies = [await client.get(ME, headers=bearer(token)) for _ in range(3)]
    assert {error_of(reply) for reply in replies} == {(401, "002-016")}
    assert "cannot be fetched" in replies[0].json()["error"]["description"]
    assert issuer.asked == 1


async def test_outside_issuer_refuses(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, issuer: Issuer, context: Context
) -> None:
    await _trust(studio, issuer, audience="this-game")
    mine = {"xsolla_login_project_id": str(studio.login_project_id), "sub": "somebody", "aud": ["this-game"]}
    assert await _status(client, issuer.token(**mine)) == 200
    assert await _status(client, issuer.token(**{**mine, "aud": "this-game"})) == 200
    stranger = Issuer()
    for token in (
        issuer.token(**{**mine, "aud": ["other-game"]}),
        issuer.token(**{**mine, "iss": "https://other.example"}),
        issuer.token(**{**mine, "exp": int(time.time()) - 5}),
        issuer.token(**{**mine, "nbf": int(time.time()) + 60}),
        issuer.token(**{**mine, "sub": ""}),
        issuer.token(**{**mine, "sub": "a\x00b"}),
        issuer.token(**{**mine, "xsolla_login_project_id": str(other_studio.login_project_id)}),
        stranger.token(**mine),
        _signed(HS256, {**mine, "iss": ISSUER, "exp": int(time.time()) + 60}, await _secret(context, studio)),
    ):
        assert await _status(client, token) == 401
    # A server's token is never given out by others.
    forged = issuer.token(**{key: value for key, value in mine.items() if key != "sub"}, client_id=studio.client_id)
    path = f"/api/projects/{studio.login_project_id}/keys"
    assert (await client.post(path, headers={"X-SERVER-AUTHORIZATION": forged})).status_code == 401


async def test_outside_issuer_is_found_by_its_name(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    secret, name = b"a shared secret of at least 32 bytes", f"https://{uuid4().hex}.example"
    for each, audience in ((studio, "one"), (other_studio, "two")):
        await trust_outside_issuer(
            each.context.database.session(),
            each.context.sealer,
            each.login_project_id,
            issuer=name,
            audience=audience,
            secret=secret,
        )
    claims = {"iss": name, "sub": "somebody", "exp": int(time.time()) + 60}
    key = OctKey.import_key(secret)
    players = set()
    for audience in ("one", "two"):
        token = jwt.encode(HS256, {**claims, "aud": audience}, key)
        reply = await client.get(ME, headers=bearer(token))
        assert reply.status_code == 200
        players.add(UUID(reply.json()["id"]))
    assert players == {uuid5(each.login_project_id, "somebody") for each in (studio, other_studio)}
    both = await client.get(ME, headers=bearer(jwt.encode(HS256, {**claims, "aud": ["one", "two"]}, key)))
    assert "Several login projects" in both.json()["error"]["description"]
    assert await _status(client, jwt.encode(HS256, {**claims, "aud": "three"}, key)) == 401


async def test_outside_issuer_with_projects_of_its_own(
    client: httpx.AsyncClient, studio: Studio, issuer: Issuer
) -> None:
    name = f"https://{uuid4().hex}.example"
    await _trust(studio, issuer, issuer=name)
    token = issuer.token(iss=name, sub="somebody", xsolla_login_project_id=str(uuid4()))
    assert await _status(client, token) == 200


async def test_players_of_an_outside_issuer_log_out(client: httpx.AsyncClient, studio: Studio, issuer: Issuer) -> None:
    await _trust(studio, issuer)
    mine = {"xsolla_login_project_id": str(studio.login_project_id), "sub": "somebody"}
    old = issuer.token(**mine)
    assert await _status(client, old) == 200
    await client.get("/api/oauth2/logout", params={"sessions": "all"}, headers=bearer(old))
    assert await _status(client, old) == 401
    assert await _status(client, issuer.token(**mine, jti="x", iat=int(time.time()) + 1)) == 200


async def test_outside_issuer_has_one_kind_of_key(studio: Studio) -> None:
    db, sealer = studio.context.database.session(), studio.context.sealer
    for wrong in ({}, {"secret": b"s" * 32, "jwks_url": "https://x.example"}, {"secret": b"short"}):
        with pytest.raises(ValueError, match="secret"):
            await trust_outside_issuer(db, sealer, studio.login_project_id, issuer=ISSUER, **wrong)


async def test_other_login_projects_clients_are_strangers(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    account = await register(client, await make_public_client(studio))
    elsewhere = await make_public_client(other_studio)
    form = {
        "grant_type": "authorization_code",
        "client_id": str(elsewhere),
        "code": account.code,
        "redirect_uri": "https://login.xsolla.com/api/blank",
    }
    assert error_of(await client.post("/api/oauth2/token", data=form)) == (400, "010-023")
