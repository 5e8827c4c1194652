"""The token endpoint: codes, refresh tokens, server tokens, exchange; revoking and checking tokens."""

import asyncio
import base64
import hashlib
import json
import secrets
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import LargeBinary, bindparam, update

from haversack.clock import real_now
from haversack.context import Context
from haversack.login.actions import ban_player, set_algorithm, trust_outside_issuer
from haversack.login.records import Algorithm, ClientKind
from haversack.login.tables import login_projects, signing_keys
from haversack.login.tokens import LOGIN_CHANGED, project_changed
from make.login import (
    PASSWORD,
    bearer,
    claims_of,
    code_of,
    code_query,
    device_body,
    error_of,
    faults_of,
    make_client,
    make_public_client,
    part_of,
    player_of,
    register,
    sign_device_in,
    sign_in,
)
from make.projects import Studio

TOKEN = "/api/oauth2/token"
BLANK = "https://login.xsolla.com/api/blank"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token_exchange"


async def _ask(client: httpx.AsyncClient, grant_type: str, client_id: int, **form: Any) -> httpx.Response:
    return await client.post(TOKEN, data={"grant_type": grant_type, "client_id": str(client_id), **form})


async def _code(client: httpx.AsyncClient, client_id: int, code: str, **form: Any) -> httpx.Response:
    return await _ask(client, "authorization_code", client_id, code=code, **{"redirect_uri": BLANK, **form})


async def _refresh(client: httpx.AsyncClient, client_id: int, token: str, **form: Any) -> httpx.Response:
    return await _ask(client, "refresh_token", client_id, refresh_token=token, **form)


# -- Codes ----------------------------------------------------------------------------------------------------------


async def test_generate_jwt_by_code(client: httpx.AsyncClient, studio: Studio, client_id: int) -> None:
    account = await register(client, client_id)
    reply = await _code(client, client_id, account.code)
    assert reply.status_code == 200
    tokens = reply.json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["refresh_token"]) == ("bearer", 86400, "")
    claims = claims_of(tokens["access_token"])
    assert part_of(tokens["access_token"], 0) == {"alg": "HS256", "typ": "JWT"}
    assert claims["iss"] == "https://login.xsolla.com"
    assert claims["xsolla_login_project_id"] == str(studio.login_project_id)
    assert claims["publisher_id"] == studio.merchant_id
    assert claims["groups"] == [{"id": 1, "name": "default", "is_default": True}]
    assert (claims["type"], claims["aud"], claims["scp"]) == ("xsolla_login", [], [])
    assert claims["exp"] - claims["iat"] == 86400
    assert {"sub", "jti", "promo_email_agreement", "is_master"} <= claims.keys()
    # A code works once.
    assert error_of(await _code(client, client_id, account.code)) == (400, "010-023")


async def test_generate_jwt_by_code_once_of_many(client: httpx.AsyncClient, client_id: int) -> None:
    account = await register(client, client_id)
    replies = await asyncio.gather(*(_code(client, client_id, account.code) for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [200] + [400] * 19


async def test_generate_jwt_by_code_of_others(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    uri = "https://game.example/back"
    client_id = await make_public_client(studio, uri)
    confidential, secret = await make_client(studio, ClientKind.CONFIDENTIAL)
    account = await register(client, client_id)
    url = (
        await client.post(
            "/api/oauth2/login",
            params=code_query(client_id, redirect_uri=uri),
            json={"username": account.username, "password": PASSWORD},
        )
    ).json()["login_url"]
    code = code_of(url)
    elsewhere = await make_public_client(other_studio, uri)
    for reply in (
        await _code(client, client_id, code),
        await _code(client, elsewhere, code, redirect_uri=uri),
        await _code(client, confidential, code, redirect_uri=uri, client_secret=secret),
        await _code(client, client_id, code, redirect_uri=uri, code_verifier="v" * 43),
    ):
        assert error_of(reply) == (400, "010-023")
    # None of that has used it up.
    assert (await _code(client, client_id, code, redirect_uri=uri)).status_code == 200


async def test_generate_jwt_with_pkce(client: httpx.AsyncClient, client_id: int) -> None:
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = code_query(client_id, code_challenge=challenge, code_challenge_method="S256")
    reply = await client.post("/api/oauth2/login/device/ios", params=query, json=device_body())
    code = code_of(reply.json()["login_url"])
    assert error_of(await _code(client, client_id, code)) == (400, "010-023")
    assert error_of(await _code(client, client_id, code, code_verifier="w" * 50)) == (400, "010-023")
    assert (await _code(client, client_id, code, code_verifier=verifier)).status_code == 200


async def test_generate_jwt_of_confidential_client(client: httpx.AsyncClient, studio: Studio) -> None:
    client_id, secret = await make_client(studio, ClientKind.CONFIDENTIAL)
    account = await register(client, client_id)
    for wrong in ({}, {"client_secret": ""}, {"client_secret": f"{secret}x"}):
        assert error_of(await _code(client, client_id, account.code, **wrong)) == (400, "010-019")
    assert (await _code(client, client_id, account.code, client_secret=secret)).status_code == 200


async def test_generate_jwt_names_every_fault(client: httpx.AsyncClient, client_id: int) -> None:
    reply = await client.post(TOKEN, data={"grant_type": "password", "client_id": "abc", "code_verifier": "short"})
    assert error_of(reply) == (422, "0")
    assert faults_of(reply) == {"grant_type", "client_id", "code_verifier"}
    for grant_type, missing in (
        ("authorization_code", "code"),
        ("refresh_token", "refresh_token"),
        (EXCHANGE, "subject_token"),
    ):
        reply = await _ask(client, grant_type, client_id)
        assert error_of(reply) == (422, "0")
        assert faults_of(reply) == {missing}
    assert error_of(await _ask(client, "client_credentials", 9999999999)) == (404, "003-061")
    assert (await client.post(TOKEN, json={"grant_type": "refresh_token"})).status_code == 415
    nul = await _code(client, client_id, "\0", redirect_uri="\0", client_secret="\0", scope="\0")
    assert error_of(nul) == (422, "0")
    assert faults_of(nul) == {"code", "redirect_uri", "client_secret", "scope"}


# -- Refresh tokens -------------------------------------------------------------------------------------------------


async def test_generate_jwt_by_refresh_token(client: httpx.AsyncClient, client_id: int) -> None:
    first = await sign_in(client, client_id, await register(client, client_id), scope="offline")
    reply = await _refresh(client, client_id, first["refresh_token"], redirect_uri=BLANK)
    assert reply.status_code == 200
    second = reply.json()
    assert second["refresh_token"] not in ("", first["refresh_token"])
    assert player_of(second["access_token"]) == player_of(first["access_token"])
    assert claims_of(second["access_token"])["scp"] == ["offline"]
    third = (await _refresh(client, client_id, second["refresh_token"])).json()
    # The first was used: whoever shows it again ends what followed from it.
    assert error_of(await _refresh(client, client_id, first["refresh_token"])) == (400, "010-023")
    assert error_of(await _refresh(client, client_id, third["refresh_token"])) == (400, "010-023")


async def test_generate_jwt_by_refresh_token_once(client: httpx.AsyncClient, client_id: int) -> None:
    tokens = await sign_in(client, client_id, await register(client, client_id), scope="offline")
    replies = await asyncio.gather(*(_refresh(client, client_id, tokens["refresh_token"]) for _ in range(10)))
    assert sorted(reply.status_code for reply in replies) == [200] + [400] * 9


async def test_generate_jwt_by_refresh_token_of_others(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, client_id: int, context: Context
) -> None:
    tokens = await sign_in(client, client_id, await register(client, client_id), scope="offline")
    refresh_token = tokens["refresh_token"]
    for other in (await make_public_client(studio), await make_public_client(other_studio)):
        assert error_of(await _refresh(client, other, refresh_token)) == (400, "010-023")
    other_address = await _refresh(client, client_id, refresh_token, redirect_uri="https://evil.example")
    assert error_of(other_address) == (400, "010-023")
    player_id = player_of(tokens["access_token"])
    await ban_player(context, studio.login_project_id, player_id, reason="cheating", now=real_now())
    assert error_of(await _refresh(client, client_id, refresh_token)) == (400, "010-023")


# -- Servers --------------------------------------------------------------------------------------------------------


async def test_generate_jwt_for_server(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await _ask(client, "client_credentials", studio.client_id, client_secret=studio.client_secret)
    assert reply.status_code == 200
    tokens = reply.json()
    assert (tokens["expires_in"], tokens["refresh_token"]) == (3600, "")
    claims = claims_of(tokens["access_token"])
    assert claims.keys() == {"iss", "exp", "iat", "client_id", "publisher_id", "xsolla_login_project_id"}
    assert (claims["client_id"], claims["publisher_id"]) == (studio.client_id, studio.merchant_id)


async def test_generate_jwt_for_server_refuses(client: httpx.AsyncClient, studio: Studio, client_id: int) -> None:
    wrong = await _ask(client, "client_credentials", studio.client_id, client_secret="hscs_test_wrong")
    assert error_of(wrong) == (400, "010-019")
    assert error_of(await _ask(client, "client_credentials", client_id)) == (400, "010-019")
    by_code = await _code(client, studio.client_id, "x", client_secret=studio.client_secret)
    assert error_of(by_code) == (400, "010-019")


async def test_generate_jwt_when_the_key_cannot_be_read(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    db = context.database.session()
    await set_algorithm(db, context.sealer, studio.login_project_id, Algorithm.RS256)
    for table, column in ((signing_keys, "private_key_sealed"), (login_projects, "hs256_secret_sealed")):
        spoil = (
            update(table)
            .where(table.c.login_project_id == bindparam("id"))
            .values({column: bindparam("broken", type_=LargeBinary)})
        )
        await db.execute(spoil, id=studio.login_project_id, broken=b"\x01" + secrets.token_bytes(60))
        reply = await _ask(client, "client_credentials", studio.client_id, client_secret=studio.client_secret)
        assert error_of(reply) == (418, "004-001")


# -- Exchange -------------------------------------------------------------------------------------------------------


async def test_generate_jwt_by_token(client: httpx.AsyncClient, studio: Studio, client_id: int) -> None:
    token = await sign_device_in(client, studio.login_project_id)
    reply = await _ask(client, EXCHANGE, client_id, subject_token=token, scope="playfab email")
    assert reply.status_code == 200
    claims = claims_of(reply.json()["access_token"])
    assert (claims["scp"], claims["type"]) == (["playfab", "email"], "device")
    assert claims["sub"] == claims_of(token)["sub"]
    assert claims["exp"] <= claims_of(token)["exp"]


async def test_generate_jwt_by_token_refuses(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, client_id: int
) -> None:
    foreign = await sign_device_in(client, other_studio.login_project_id)
    for token in (foreign, "no token", await studio.server_token(client)):
        assert error_of(await _ask(client, EXCHANGE, client_id, subject_token=token)) == (400, "010-023")


async def test_generate_jwt_in_projects_of_an_outside_issuer(
    client: httpx.AsyncClient, studio: Studio, client_id: int, context: Context
) -> None:
    tokens = await sign_in(client, client_id, await register(client, client_id), scope="offline")
    await trust_outside_issuer(
        context.database.session(),
        context.sealer,
        studio.login_project_id,
        issuer="https://x.example",
        secret=b"s" * 32,
    )
    reply = await _refresh(client, client_id, tokens["refresh_token"])
    assert error_of(reply) == (422, "003-020")
    # Servers still get their tokens here.
    for_server = await _ask(client, "client_credentials", studio.client_id, client_secret=studio.client_secret)
    assert for_server.status_code == 200


# -- Revoking -------------------------------------------------------------------------------------------------------

REVOKE = "/api/oauth2/token/revoke"


async def test_revoke_jwt(client: httpx.AsyncClient, client_id: int) -> None:
    account = await register(client, client_id)
    one, other = await sign_in(client, client_id, account), await sign_in(client, client_id, account)
    for tokens in (one, other):  # both are remembered now
        assert (await client.get("/api/users/me", headers=bearer(tokens["access_token"]))).status_code == 200
    reply = await client.post(REVOKE, data={"token": one["access_token"], "client_id": str(client_id)})
    assert (reply.status_code, reply.content) == (204, b"")
    refused = await client.get("/api/users/me", headers=bearer(one["access_token"]))
    assert error_of(refused) == (401, "002-016")
    assert "revoked" in refused.json()["error"]["description"]
    assert (await client.get("/api/users/me", headers=bearer(other["access_token"]))).status_code == 200
    # A token with another spelling of the same signature is the same token.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(one["access_token"][-1])
    spelled = one["access_token"][:-1] + alphabet[last ^ 1]
    assert (await client.get("/api/users/me", headers=bearer(spelled))).status_code == 401


async def test_revoke_jwt_of_refresh_token(client: httpx.AsyncClient, studio: Studio, client_id: int) -> None:
    tokens = await sign_in(client, client_id, await register(client, client_id), scope="offline")
    other = await make_public_client(studio)
    await client.post(REVOKE, data={"token": tokens["refresh_token"], "client_id": str(other)})
    fresh = (await _refresh(client, client_id, tokens["refresh_token"])).json()["refresh_token"]
    assert (await client.post(REVOKE, data={"token": fresh})).status_code == 204
    assert error_of(await _refresh(client, client_id, fresh)) == (400, "010-023")


async def test_revoke_jwt_of_server(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = await studio.server_headers(client)
    path = f"/api/projects/{studio.login_project_id}/users/search/by_id/{uuid4()}"
    assert (await client.get(path, headers=headers)).status_code == 404
    assert (await client.post(REVOKE, data={"token": headers["X-SERVER-AUTHORIZATION"]})).status_code == 204
    assert error_of(await client.get(path, headers=headers)) == (401, "002-016")


async def test_revoke_jwt_refuses(
    client: httpx.AsyncClient, other_studio: Studio, client_id: int, studio: Studio
) -> None:
    token = await sign_device_in(client, studio.login_project_id)
    assert error_of(await client.post(REVOKE, data={"token": token, "client_id": "1"})) == (404, "003-061")
    data = {"token": token, "client_id": str(studio.client_id), "client_secret": "wrong"}
    assert error_of(await client.post(REVOKE, data=data)) == (400, "010-019")
    for wrong in ({}, {"token": ""}, {"token": "\0"}, {"token": "x" * 8193}):
        assert faults_of(await client.post(REVOKE, data=wrong)) == {"token"}
    # Another project's client may ask, and nothing happens.
    elsewhere = str(await make_public_client(other_studio))
    assert (await client.post(REVOKE, data={"token": token, "client_id": elsewhere})).status_code == 204
    for nothing in ("unknown", "a.b.c", f"{token}x"):
        assert (await client.post(REVOKE, data={"token": nothing})).status_code == 204
    assert (await client.get("/api/users/me", headers=bearer(token))).status_code == 200


# -- Checking -------------------------------------------------------------------------------------------------------


async def test_validate_jwt(client: httpx.AsyncClient, studio: Studio) -> None:
    token = await sign_device_in(client, studio.login_project_id)
    reply = await client.post("/api/token/validate", json={"token": token})
    assert (reply.status_code, reply.content) == (204, b"")


async def test_validate_jwt_refuses(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    token = await sign_device_in(client, studio.login_project_id)

    async def check(body: Any) -> tuple[int, str]:
        return error_of(await client.post("/api/token/validate", json=body))

    head, body, signature = token.split(".")
    assert await check({"token": "nonsense"}) == (400, "0")
    assert await check({"token": f"{head}.{body}.{signature[::-1]}"}) == (422, "010-017")
    assert await check({"token": await studio.server_token(client)}) == (422, "010-017")
    assert await check({}) == (422, "0")
    claims = {**claims_of(token), "xsolla_login_project_id": str(uuid4())}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert await check({"token": f"{head}.{forged}.{signature}"}) == (404, "003-019")
    await _remove_player(context, studio, token)
    assert await check({"token": token}) == (404, "003-002")


async def _remove_player(context: Context, studio: Studio, token: str) -> None:
    async with context.database.connection() as connection:
        player_id = player_of(token)
        for table in ("player_devices", "players"):
            statement = f"DELETE FROM {table} WHERE login_project_id = $1 AND player_id = $2"
            await connection.execute(statement, studio.login_project_id, player_id)
    context.notifications.publish_locally(LOGIN_CHANGED, project_changed(studio.login_project_id))


async def test_validate_server_jwt(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    path, token = "/api/server/token/validate", await studio.server_token(client)
    params = {"projectId": str(studio.login_project_id)}
    assert (await client.post(path, params=params, json={"token": token})).status_code == 204
    player_token = await sign_device_in(client, studio.login_project_id)
    foreign = await other_studio.server_token(client)
    for wrong in (player_token, foreign, f"{token}x"):
        reply = await client.post(path, params=params, json={"token": wrong})
        assert error_of(reply) == (401, "002-016")
    assert error_of(await client.post(path, params=params, json={"token": "nonsense"})) == (400, "0")
    unknown = await client.post(path, params={"projectId": str(uuid4())}, json={"token": token})
    assert error_of(unknown) == (404, "003-019")
    assert faults_of(await client.post(path, params={"projectId": "x"}, json={"token": ""})) == {"projectId", "token"}


@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token", EXCHANGE])
async def test_server_clients_sign_no_players_in(client: httpx.AsyncClient, studio: Studio, grant_type: str) -> None:
    form = {"code": "x", "refresh_token": "x", "subject_token": "x", "client_secret": studio.client_secret}
    assert error_of(await _ask(client, grant_type, studio.client_id, **form)) == (400, "010-019")
