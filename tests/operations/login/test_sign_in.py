"""Registering and signing in: by password, by device, by a server's id."""

import asyncio
import re
from uuid import uuid4

import httpx
import pytest
from starlette.requests import Request

from haversack.clock import real_now
from haversack.context import Context
from haversack.errors import WRONG_PASSWORD, Refusal
from haversack.http.calls import PublicCall
from haversack.login.actions import (
    ban_player,
    confirm_player,
    ensure_user,
    require_confirmation,
    set_token_seconds,
    sign_in_with_password,
    trust_outside_issuer,
)
from haversack.login.queries.players import find_player_by_name
from haversack.login.records import ClientKind
from haversack.login.rules import PASSWORD_ATTEMPTS_MAX
from make.login import (
    PASSWORD,
    STATE,
    bearer,
    claims_of,
    code_of,
    code_query,
    device_body,
    error_of,
    faults_of,
    make_client,
    make_public_client,
    player_of,
    register,
    registration,
    sign_device_in,
    sign_in,
)
from make.projects import Studio

LOGIN = "/api/oauth2/login"
TOKEN = "/api/oauth2/login/token"
USER = "/api/oauth2/user"
CUSTOM = "/api/users/login/server_custom_id"


async def _tokens(client: httpx.AsyncClient, client_id: int, username: str, password: str) -> httpx.Response:
    return await client.post(TOKEN, params={"client_id": client_id}, json={"username": username, "password": password})


# -- Registering ----------------------------------------------------------------------------------------------------


async def test_oauth_20_register_new_user(client: httpx.AsyncClient, client_id: int) -> None:
    body = registration(fields=["nickname"], accept_consent=True, promo_email_agreement=0)
    reply = await client.post(USER, params=code_query(client_id, locale="en_US", sdk_v="3"), json=body)
    assert reply.status_code == 200
    url = reply.json()["login_url"]
    assert re.fullmatch(rf"https://login\.xsolla\.com/api/blank\?code=[a-zA-Z0-9._+-]+&state={STATE}", url)
    tokens = (await _tokens(client, client_id, body["username"], PASSWORD)).json()
    claims = claims_of(tokens["access_token"])
    assert (claims["username"], claims["email"]) == (body["username"], body["email"])
    assert claims["promo_email_agreement"] is False


async def test_oauth_20_register_new_user_refuses_taken_names(client: httpx.AsyncClient, client_id: int) -> None:
    account = await register(client, client_id)
    same_name = registration(username=account.username.upper())
    reply = await client.post(USER, params=code_query(client_id), json=same_name)
    assert error_of(reply) == (422, "003-003")
    same_email = registration(email=account.email.title())
    assert error_of(await client.post(USER, params=code_query(client_id), json=same_email)) == (422, "003-004")
    # The account that had the name still has its own password, and the refused one made none.
    assert (await _tokens(client, client_id, account.username, PASSWORD)).status_code == 200
    assert (await _tokens(client, client_id, same_email["username"], PASSWORD)).status_code == 401


async def test_oauth_20_register_new_user_names_every_fault(client: httpx.AsyncClient, client_id: int) -> None:
    body = {"username": "ab", "password": "12345", "email": "", "promo_email_agreement": 2}
    reply = await client.post(USER, params=code_query(client_id, redirect_uri="x" * 3000), json=body)
    assert error_of(reply) == (422, "0")
    assert faults_of(reply) == {"username", "password", "email", "promo_email_agreement", "redirect_uri"}


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ({"email": "no address"}, "email"),
        ({"username": "somebody@example.com"}, "username"),
        ({"username": " padded"}, "username"),
    ],
)
async def test_oauth_20_register_new_user_refuses_misleading_names(
    client: httpx.AsyncClient, client_id: int, names: dict[str, str], fault: str
) -> None:
    reply = await client.post(USER, params=code_query(client_id), json=registration(**names))
    assert error_of(reply) == (422, "0")
    assert faults_of(reply) == {fault}


async def test_oauth_20_register_new_user_once_for_one_name(client: httpx.AsyncClient, client_id: int) -> None:
    body = registration()
    replies = await asyncio.gather(
        *(
            client.post(USER, params=code_query(client_id), json={**body, "email": f"{index}{body['email']}"})
            for index in range(4)
        )
    )
    assert sorted(reply.status_code for reply in replies) == [200, 422, 422, 422]
    assert {error_of(reply) for reply in replies if reply.status_code == 422} == {(422, "003-003")}


async def test_oauth_20_register_new_user_to_be_confirmed(
    client: httpx.AsyncClient, studio: Studio, client_id: int, context: Context
) -> None:
    db = context.database.session()
    await require_confirmation(db, context.sealer, studio.login_project_id, is_required=True)
    body = registration()
    reply = await client.post(USER, params=code_query(client_id), json=body)
    assert (reply.status_code, reply.content) == (204, b"")
    assert error_of(await _tokens(client, client_id, body["username"], PASSWORD)) == (401, "003-007")
    # A wrong password learns nothing of that.
    assert error_of(await _tokens(client, client_id, body["username"], "wrong one")) == (401, "003-001")
    found = await find_player_by_name(db, studio.login_project_id, body["username"])
    assert found is not None
    await confirm_player(db, studio.login_project_id, found[0].player_id)
    assert (await _tokens(client, client_id, body["username"], PASSWORD)).status_code == 200


@pytest.mark.parametrize("state", [None, "short77"])
async def test_state_is_required(client: httpx.AsyncClient, client_id: int, state: str | None) -> None:
    query = code_query(client_id)
    del query["state"]
    if state is not None:
        query["state"] = state
    for path, body in (
        (USER, registration()),
        (LOGIN, {"username": "somebody", "password": PASSWORD}),
        ("/api/oauth2/login/device/ios", device_body()),
    ):
        assert error_of(await client.post(path, params=query, json=body)) == (400, "010-022")


# -- By password ----------------------------------------------------------------------------------------------------


async def test_jwt_auth_by_username_and_password(client: httpx.AsyncClient, client_id: int) -> None:
    account = await register(client, client_id)
    reply = await _tokens(client, client_id, account.username.upper(), PASSWORD)
    assert reply.status_code == 200
    tokens = reply.json()
    assert (tokens["expires_in"], tokens["refresh_token"], tokens["token_type"]) == (86400, "", "bearer")
    assert (await client.get("/api/users/me", headers=bearer(tokens["access_token"]))).status_code == 200
    by_email = await _tokens(client, client_id, account.email, PASSWORD)
    assert player_of(by_email.json()["access_token"]) == player_of(tokens["access_token"])


async def test_jwt_auth_by_username_and_password_offline(client: httpx.AsyncClient, client_id: int) -> None:
    tokens = await sign_in(client, client_id, await register(client, client_id), scope="offline email")
    assert re.fullmatch(r"[a-zA-Z0-9._+-]+", tokens["refresh_token"])
    assert tokens["scope"] == "offline email"
    assert claims_of(tokens["access_token"])["scp"] == ["offline", "email"]


async def test_jwt_auth_by_username_and_password_refuses(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, client_id: int, context: Context
) -> None:
    account = await register(client, client_id)
    wrong = await _tokens(client, client_id, account.username, "not the password")
    unknown = await _tokens(client, client_id, f"x{account.username}", PASSWORD)
    assert error_of(wrong) == (401, "003-001")
    assert wrong.json() == unknown.json()
    assert error_of(await _tokens(client, 2_000_000_000, account.username, PASSWORD)) == (404, "003-061")
    # An account of one login project is unknown in another.
    elsewhere = await make_public_client(other_studio)
    assert error_of(await _tokens(client, elsewhere, account.username, PASSWORD)) == (401, "003-001")
    # A server's client signs nobody in, and one with a secret must show it.
    confidential, _ = await make_client(studio, ClientKind.CONFIDENTIAL)
    for other in (studio.client_id, confidential):
        assert error_of(await _tokens(client, other, account.username, PASSWORD)) == (400, "010-019")
    reply = await client.post(
        TOKEN,
        params={"client_id": client_id, "redirect_uri": "https://evil.example"},
        json={"username": account.username, "password": PASSWORD},
    )
    assert error_of(reply) == (400, "010-012")
    token = (await sign_in(client, client_id, account))["access_token"]
    await ban_player(context, studio.login_project_id, player_of(token), reason="cheating", now=real_now())
    assert error_of(await _tokens(client, client_id, account.username, PASSWORD)) == (401, "002-040")


async def test_password_attempts_are_counted(client: httpx.AsyncClient, client_id: int) -> None:
    account, other = await register(client, client_id), await register(client, client_id)
    for _ in range(2):  # a right one begins the count anew
        for _ in range(3):
            assert (await _tokens(client, client_id, account.username, "wrong")).status_code == 401
        assert (await _tokens(client, client_id, account.username, PASSWORD)).status_code == 200
    replies = await asyncio.gather(
        *(_tokens(client, client_id, account.username, "wrong") for _ in range(PASSWORD_ATTEMPTS_MAX + 5))
    )
    assert sorted(reply.status_code for reply in replies) == [401] * PASSWORD_ATTEMPTS_MAX + [429] * 5
    refused = await _tokens(client, client_id, account.username.title(), PASSWORD)
    assert error_of(refused) == (429, "002-057")
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert (await _tokens(client, client_id, other.username, PASSWORD)).status_code == 200
    # Names that nobody has are counted too, or they could be told apart.
    nobody = f"nobody-{uuid4().hex}"
    statuses = [(await _tokens(client, client_id, nobody, "x")).status_code for _ in range(PASSWORD_ATTEMPTS_MAX + 1)]
    assert statuses == [401] * PASSWORD_ATTEMPTS_MAX + [429]


async def test_oauth_20_auth_by_username_and_password(client: httpx.AsyncClient, studio: Studio) -> None:
    uri = "https://game.example/back?from=login"
    client_id = await make_public_client(studio, uri)
    account = await register(client, client_id)
    reply = await client.post(
        LOGIN,
        params=code_query(client_id, redirect_uri=uri, scope="offline", audience="shop", payload="cart-7"),
        json={"username": account.username, "password": PASSWORD},
    )
    assert reply.status_code == 200
    url = reply.json()["login_url"]
    assert url.startswith(f"{uri}&code=")
    form = {"grant_type": "authorization_code", "client_id": str(client_id), "code": code_of(url), "redirect_uri": uri}
    tokens = (await client.post("/api/oauth2/token", data=form)).json()
    claims = claims_of(tokens["access_token"])
    assert (claims["aud"], claims["payload"], claims["scp"]) == (["shop"], "cart-7", ["offline"])
    assert tokens["refresh_token"]


async def test_oauth_20_auth_by_username_and_password_refuses(client: httpx.AsyncClient, client_id: int) -> None:
    account = await register(client, client_id)
    body = {"username": account.username, "password": PASSWORD}
    wrong = {**body, "password": "wrong"}
    assert error_of(await client.post(LOGIN, params=code_query(client_id), json=wrong)) == (401, "003-001")
    foreign = code_query(client_id, redirect_uri="https://evil.example/")
    assert error_of(await client.post(LOGIN, params=foreign, json=body)) == (400, "010-012")
    assert error_of(await client.post(LOGIN, params=code_query(1), json=body)) == (404, "003-061")
    reply = await client.post(LOGIN, params={**code_query(client_id), "response_type": "token"}, json={})
    assert faults_of(reply) == {"response_type", "username", "password"}


# -- By device ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device_type", ["android", "ios", "macos", "windows"])
async def test_oauth_20_auth_via_device_id(client: httpx.AsyncClient, client_id: int, device_type: str) -> None:
    body, players = device_body(), set()
    for _ in range(2):
        reply = await client.post(f"{LOGIN}/device/{device_type}", params=code_query(client_id), json=body)
        assert reply.status_code == 200
        form = {
            "grant_type": "authorization_code",
            "client_id": str(client_id),
            "code": code_of(reply.json()["login_url"]),
            "redirect_uri": "https://login.xsolla.com/api/blank",
        }
        token = (await client.post("/api/oauth2/token", data=form)).json()["access_token"]
        assert claims_of(token)["type"] == "device"
        players.add(player_of(token))
    assert len(players) == 1
    me = (await client.get("/api/users/me", headers=bearer(token))).json()
    assert me["is_anonymous"] is True
    phones = [(device_type, "Pixel 9")] if device_type in ("android", "ios") else []
    assert [(device["type"], device["device"]) for device in me["devices"]] == phones


async def test_jwt_auth_via_device_id(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    body = device_body()
    params = {"projectId": str(studio.login_project_id), "payload": "from the tutorial"}
    reply = await client.post("/api/login/device/android", params=params, json=body)
    assert reply.status_code == 200
    token = reply.json()["token"]
    claims = claims_of(token)
    assert (claims["type"], claims["payload"]) == ("device", "from the tutorial")
    # The same id on another kind of device, or in another login project, is another player's.
    ios = await client.post("/api/login/device/ios", params=params, json=body)
    assert player_of(ios.json()["token"]) != player_of(token)
    assert player_of(await sign_device_in(client, other_studio.login_project_id, body)) != player_of(token)


async def test_jwt_auth_via_device_id_with_logout(client: httpx.AsyncClient, studio: Studio) -> None:
    body = device_body()
    first = await sign_device_in(client, studio.login_project_id, body)
    assert (await client.get("/api/users/me", headers=bearer(first))).status_code == 200
    params = {"projectId": str(studio.login_project_id), "with_logout": "1"}
    second = (await client.post("/api/login/device/android", params=params, json=body)).json()["token"]
    assert error_of(await client.get("/api/users/me", headers=bearer(first))) == (401, "002-016")
    assert (await client.get("/api/users/me", headers=bearer(second))).status_code == 200


async def test_jwt_auth_via_device_id_refuses(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    path = "/api/login/device/android"
    unknown = await client.post(path, params={"projectId": str(uuid4())}, json=device_body())
    assert error_of(unknown) == (404, "003-019")
    params = {"projectId": "no uuid", "with_logout": "2"}
    reply = await client.post(path, params=params, json={"device": "x" * 101, "device_id": "short"})
    assert error_of(reply) == (400, "0")
    assert faults_of(reply) == {"projectId", "with_logout", "device", "device_id"}
    body = device_body()
    token = await sign_device_in(client, studio.login_project_id, body)
    await ban_player(context, studio.login_project_id, player_of(token), reason="cheating", now=real_now())
    reply = await client.post(path, params={"projectId": str(studio.login_project_id)}, json=body)
    assert error_of(reply) == (401, "002-040")


async def test_first_sign_ins_of_one_device_make_one_player(client: httpx.AsyncClient, studio: Studio) -> None:
    body = device_body()
    tokens = await asyncio.gather(*(sign_device_in(client, studio.login_project_id, body) for _ in range(20)))
    assert len({player_of(token) for token in tokens}) == 1


# -- By a server's id -----------------------------------------------------------------------------------------------


async def test_auth_by_custom_id(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = await studio.server_headers(client)
    body = {
        "server_custom_id": f"hero {uuid4()}",
        "attributes": [
            {"key": "level", "value": 7, "attr_type": "client", "permission": "public"},
            {"key": "vip", "value": True, "attr_type": "client", "permission": "private", "read_only": True},
        ],
        "social_profile": {"user_id": uuid4().hex, "platform": "steam"},
    }
    params = {"projectId": str(studio.login_project_id), "payload": "p", "publisher_project_id": str(studio.project_id)}
    reply = await client.post(CUSTOM, params=params, json=body, headers=headers)
    assert reply.status_code == 200
    token = reply.json()["token"]
    assert claims_of(token)["type"] == "server_custom_id"
    asked = {"publisher_project_id": studio.project_id, "keys": []}
    own = await client.post("/api/attributes/users/me/get", json=asked, headers=bearer(token))
    assert own.json() == [{"key": "level", "permission": "public", "value": "7"}]
    read_only = await client.post("/api/attributes/users/me/get_read_only", json=asked, headers=bearer(token))
    assert read_only.json() == [{"key": "vip", "permission": "private", "value": "true"}]
    again = await client.post(CUSTOM, json={"server_custom_id": body["server_custom_id"]}, headers=headers)
    assert player_of(again.json()["token"]) == player_of(token)
    # The platform account stays with its player.
    other = {**body, "server_custom_id": f"other {uuid4()}"}
    assert error_of(await client.post(CUSTOM, json=other, headers=headers)) == (422, "010-016")


async def test_auth_by_custom_id_with_logout(client: httpx.AsyncClient, studio: Studio) -> None:
    headers, body = await studio.server_headers(client), {"server_custom_id": uuid4().hex}
    first = (await client.post(CUSTOM, json=body, headers=headers)).json()["token"]
    params = {"with_logout": "1"}
    second = (await client.post(CUSTOM, params=params, json=body, headers=headers)).json()["token"]
    assert (await client.get("/api/users/me", headers=bearer(first))).status_code == 401
    assert (await client.get("/api/users/me", headers=bearer(second))).status_code == 200


async def test_auth_by_custom_id_refuses(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context
) -> None:
    headers, body = await studio.server_headers(client), {"server_custom_id": uuid4().hex}
    assert error_of(await client.post(CUSTOM, json=body)) == (401, "002-016")
    for params in (
        {"projectId": str(other_studio.login_project_id)},
        {"publisher_project_id": str(other_studio.project_id)},
        {"publisher_project_id": "2000000000"},
    ):
        reply = await client.post(CUSTOM, params=params, json=body, headers=headers)
        assert error_of(reply) == (404, "003-019")
    both = {"projectId": str(studio.login_project_id), "publisher_project_id": str(other_studio.project_id)}
    assert error_of(await client.post(CUSTOM, params=both, json=body, headers=headers)) == (400, "0")
    bad = {
        "server_custom_id": "x" * 257,
        "attributes": [{"key": "a-b", "value": [], "attr_type": "x", "permission": "y"}],
        "social_profile": {"user_id": "", "platform": "Steam!"},
    }
    reply = await client.post(CUSTOM, json=bad, headers=headers)
    assert error_of(reply) == (422, "0")
    assert faults_of(reply) >= {"server_custom_id", "attributes.0.key", "social_profile.platform"}
    token = (await client.post(CUSTOM, json=body, headers=headers)).json()["token"]
    await ban_player(context, studio.login_project_id, player_of(token), reason="cheating", now=real_now())
    assert error_of(await client.post(CUSTOM, json=body, headers=headers)) == (401, "002-040")


async def test_first_sign_ins_of_one_custom_id_make_one_player(client: httpx.AsyncClient, studio: Studio) -> None:
    headers, body = await studio.server_headers(client), {"server_custom_id": uuid4().hex}
    replies = await asyncio.gather(*(client.post(CUSTOM, json=body, headers=headers) for _ in range(20)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({player_of(reply.json()["token"]) for reply in replies}) == 1


# -- Settings of the login project ----------------------------------------------------------------------------------


async def test_token_life_is_a_setting(
    client: httpx.AsyncClient, studio: Studio, client_id: int, context: Context
) -> None:
    db = context.database.session()
    await set_token_seconds(db, context.sealer, studio.login_project_id, 600)
    tokens = await sign_in(client, client_id, await register(client, client_id))
    claims = claims_of(tokens["access_token"])
    assert tokens["expires_in"] == claims["exp"] - claims["iat"] == 600
    with pytest.raises(ValueError, match="seconds"):
        await set_token_seconds(db, context.sealer, studio.login_project_id, 5)


async def test_projects_of_an_outside_issuer_have_no_sign_in(
    client: httpx.AsyncClient, studio: Studio, client_id: int, context: Context
) -> None:
    account = await register(client, client_id)
    await trust_outside_issuer(
        context.database.session(),
        context.sealer,
        studio.login_project_id,
        issuer="https://id.example",
        secret=b"s" * 32,
    )
    replies = [
        await client.post(USER, params=code_query(client_id), json=registration()),
        await _tokens(client, client_id, account.username, PASSWORD),
        await client.post(
            "/api/login/device/ios", params={"projectId": str(studio.login_project_id)}, json=device_body()
        ),
        await client.post(CUSTOM, json={"server_custom_id": "x"}, headers=await studio.server_headers(client)),
    ]
    assert {error_of(reply) for reply in replies} == {(422, "003-020")}


async def test_ensure_user_can_sign_in(
    client: httpx.AsyncClient, studio: Studio, client_id: int, context: Context
) -> None:
    player_id, name = uuid4(), f"juno-{uuid4().hex[:8]}"
    for password in ("first password", PASSWORD):
        await ensure_user(
            context, studio.login_project_id, player_id, username=name, email=f"{name}@x.example", password=password
        )
    reply = await _tokens(client, client_id, name, PASSWORD)
    assert player_of(reply.json()["access_token"]) == player_id


async def test_sign_in_with_password_for_pages(
    client: httpx.AsyncClient, studio: Studio, client_id: int, context: Context
) -> None:
    account = await register(client, client_id)
    call = PublicCall(
        context=context, db=context.database.session(), request_id="", client_ip="", request=Request({"type": "http"})
    )
    token = await sign_in_with_password(call, studio.login_project_id, username=account.email, password=PASSWORD)
    assert (await client.get("/api/users/me", headers=bearer(token))).json()["username"] == account.username
    for wrong in ("\0", f"{account.username}\0", "nobody"):
        with pytest.raises(Refusal) as refusal:
            await sign_in_with_password(call, studio.login_project_id, username=wrong, password=PASSWORD)
        assert refusal.value.kind is WRONG_PASSWORD
