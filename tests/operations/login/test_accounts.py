"""The account, as its player and its studio's server see it; what servers register, number and link."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.clock import real_now
from haversack.context import Context
from haversack.login.actions import ban_player, find_platform_account, issue_player_token
from haversack.login.rules import LINKING_ATTEMPTS_MAX
from make.login import (
    bearer,
    claims_of,
    error_of,
    faults_of,
    player_of,
    register,
    sign_device_in,
    sign_in,
)
from make.projects import Studio

ME = "/api/users/me"
CODE = "/api/users/account/code"
LINK = "/api/users/account/link"
EXTERNAL = "/api/users/account/link_external_id"
INFO = "/api/users/linking_info"


# -- users/me -------------------------------------------------------------------------------------------------------


async def test_get_user_details(client: httpx.AsyncClient, client_id: int) -> None:
    account = await register(client, client_id)
    token = (await sign_in(client, client_id, account))["access_token"]
    reply = await client.get(ME, headers=bearer(token))
    assert reply.status_code == 200
    me = reply.json()
    assert me["id"] == claims_of(token)["sub"]
    assert (me["username"], me["email"], me["name"]) == (account.username, account.email, account.username)
    assert me["groups"] == [{"id": 1, "name": "default", "is_default": True, "is_deletable": False}]
    assert (me["is_anonymous"], me["ban"], me["devices"], me["birthday"]) == (False, None, [], None)
    # SDKs with a typed account take no answer without these two.
    assert (me["is_user_active"], me["is_last_email_confirmed"]) == (True, True)
    assert len(me["tag"]) == 4
    for moment in (me["registered"], me["last_login"]):
        assert len(moment) == len("2018-05-17T11:22:52+0000")
        assert moment.endswith("+0000")


async def test_get_user_details_of_nobody(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    token = await sign_device_in(client, studio.login_project_id)
    assert (await client.get(ME, headers=bearer(token))).status_code == 200
    async with context.database.connection() as connection:
        for table in ("player_devices", "players"):
            statement = f"DELETE FROM {table} WHERE login_project_id = $1 AND player_id = $2"
            await connection.execute(statement, studio.login_project_id, player_of(token))
    # The token is remembered, its player is gone.
    assert error_of(await client.get(ME, headers=bearer(token))) == (404, "003-002")
    assert error_of(await client.patch(ME, json={}, headers=bearer(token))) == (404, "003-002")
    assert error_of(await client.post(CODE, headers=bearer(token))) == (404, "003-002")
    body = {"attributes": [{"key": "a", "value": "b"}]}
    reply = await client.post("/api/attributes/users/me/update", json=body, headers=bearer(token))
    assert error_of(reply) == (404, "003-002")
    assert error_of(await client.get(ME)) == (401, "002-016")


async def test_update_user_details(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = bearer(await sign_device_in(client, studio.login_project_id))
    body = {"first_name": "Juno", "last_name": "Reyes", "gender": "prefer not to answer", "birthday": "1990-02-28"}
    reply = await client.patch(ME, json=body, headers=headers)
    assert reply.status_code == 200
    assert {name: reply.json()[name] for name in body} == body
    assert reply.json()["name"] == "Juno Reyes"
    # What is absent or null stays; an empty text clears.
    later = await client.patch(ME, json={"nickname": "jj", "last_name": "", "first_name": None}, headers=headers)
    assert later.json() == {**reply.json(), "nickname": "jj", "last_name": None, "name": "jj"}
    assert (await client.get(ME, headers=headers)).json() == later.json()


async def test_update_user_details_sets_the_birthday_once(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = bearer(await sign_device_in(client, studio.login_project_id))
    for birthday in ("2999-01-01", "1899-12-31"):
        refused = await client.patch(ME, json={"birthday": birthday}, headers=headers)
        assert error_of(refused) == (400, "0")
        assert faults_of(refused) == {"birthday"}
    for _ in range(2):
        assert (await client.patch(ME, json={"birthday": "2001-05-06"}, headers=headers)).status_code == 200
    reply = await client.patch(ME, json={"birthday": "2001-05-07", "nickname": "x"}, headers=headers)
    assert error_of(reply) == (403, "0")
    assert (await client.get(ME, headers=headers)).json()["nickname"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"birthday": "06.05.2001", "first_name": "x" * 256, "gender": "robot", "nickname": 5},
        {"birthday": 0, "first_name": [], "gender": "", "nickname": {}},
    ],
)
async def test_update_user_details_names_every_fault(
    client: httpx.AsyncClient, studio: Studio, body: dict[str, Any]
) -> None:
    headers = bearer(await sign_device_in(client, studio.login_project_id))
    reply = await client.patch(ME, json=body, headers=headers)
    assert error_of(reply) == (422, "0")
    assert faults_of(reply) == set(body)


# -- What servers do ------------------------------------------------------------------------------------------------


async def _register(client: httpx.AsyncClient, studio: Studio, **body: Any) -> httpx.Response:
    params = {"projectId": str(studio.login_project_id)}
    return await client.post("/api/users", params=params, json=body, headers=await studio.server_headers(client))


async def test_register_new_user_from_server(client: httpx.AsyncClient, studio: Studio) -> None:
    email, phone, external = f"{uuid4().hex}@example.com", "+1234567890", uuid4().hex
    reply = await _register(
        client, studio, email=email, phone_number=phone, phone_number_verified=True, external_account_id=external
    )
    assert reply.status_code == 200
    path = f"/api/projects/{studio.login_project_id}/users/search/by_id/{reply.json()['user_id']}"
    user = (await client.get(path, headers=await studio.server_headers(client))).json()
    assert (user["email"], user["phone_auth"], user["external_id"]) == (email, phone, external)
    assert (user["login_type"], user["is_anonymous"], user["last_login"]) == ("email", False, None)
    assert error_of(await _register(client, studio, email=email.upper())) == (422, "003-004")
    assert error_of(await _register(client, studio, phone_number=phone)) == (422, "003-004")
    taken = await _register(client, studio, email=f"{uuid4().hex}@example.com", external_account_id=external)
    assert error_of(taken) == (422, "010-016")
    by_phone = await _register(client, studio, phone_number="+999990000")
    assert by_phone.status_code == 200


async def test_register_new_user_from_server_refuses(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    reply = await _register(client, studio)
    assert error_of(reply) == (422, "0")
    bad = await _register(client, studio, email="", phone_number="12345", external_account_id="")
    assert faults_of(bad) == {"email", "phone_number", "external_account_id"}
    assert faults_of(await _register(client, studio, email="nobody")) == {"email"}
    without = await _register(client, studio, email=f"{uuid4().hex}@example.com", phone_number_verified=True)
    assert error_of(without) == (400, "0")
    foreign = await client.post(
        "/api/users",
        params={"projectId": str(other_studio.login_project_id)},
        json={"email": "a@example.com"},
        headers=await studio.server_headers(client),
    )
    assert error_of(foreign) == (404, "003-019")
    assert (await client.post("/api/users", params={"projectId": "x"}, json={})).status_code == 401


async def test_register_new_user_from_server_once_for_one_key(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = {**await studio.server_headers(client), "Idempotency-Key": uuid4().hex}
    params, body = {"projectId": str(studio.login_project_id)}, {"email": f"{uuid4().hex}@example.com"}
    replies = await asyncio.gather(
        *(client.post("/api/users", params=params, json=body, headers=headers) for _ in range(5))
    )
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.json()["user_id"] for reply in replies}) == 1


async def test_put_user_custom_id(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    headers = await studio.server_headers(client)
    one, other = [player_of(await sign_device_in(client, studio.login_project_id)) for _ in range(2)]
    custom_id = f"hero-{uuid4()}"

    async def put(player_id: object, value: object, **more: Any) -> httpx.Response:
        path = f"/api/projects/{more.get('project', studio.login_project_id)}/users/{player_id}/server_custom_id"
        return await client.put(path, json={"server_custom_id": value}, headers=headers)

    for _ in range(2):
        assert (await put(one, custom_id)).status_code == 204
    body = {"server_custom_id": custom_id}
    signed_in = await client.post("/api/users/login/server_custom_id", json=body, headers=headers)
    assert player_of(signed_in.json()["token"]) == one
    taken = await put(other, custom_id)
    assert (error_of(taken), faults_of(taken)) == ((400, "0"), {"server_custom_id"})
    assert (await put(one, None)).status_code == 204
    assert (await put(other, custom_id)).status_code == 204
    assert error_of(await put(uuid4(), custom_id)) == (404, "003-002")
    assert error_of(await put(one, custom_id, project=other_studio.login_project_id)) == (404, "003-019")
    assert error_of(await put("me", "a b")) == (422, "0")
    assert faults_of(await put("me", "a b")) == {"user_id", "server_custom_id"}


async def test_get_user(client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context) -> None:
    player_id = player_of(await sign_device_in(client, studio.login_project_id))
    path = f"/api/projects/{studio.login_project_id}/users/search/by_id/{player_id}"
    headers = await studio.server_headers(client)
    user = (await client.get(path, headers=headers)).json()
    assert (user["id"], user["is_user_active"], user["ban"]) == (str(player_id), True, None)
    await ban_player(context, studio.login_project_id, player_id, reason="cheating", now=real_now())
    user = (await client.get(path, headers=headers)).json()
    assert (user["is_user_active"], user["ban"]["reason"]) == (False, "cheating")
    assert user["ban"]["date_to"] == "9999-12-31T00:00:00+0000"
    foreign = await other_studio.server_headers(client)
    assert error_of(await client.get(path, headers=foreign)) == (404, "003-019")
    elsewhere = f"/api/projects/{other_studio.login_project_id}/users/search/by_id/{player_id}"
    assert error_of(await client.get(elsewhere, headers=foreign)) == (404, "003-002")


# -- Linking --------------------------------------------------------------------------------------------------------


async def _code(client: httpx.AsyncClient, token: str) -> str:
    reply = await client.post(CODE, headers=bearer(token))
    assert reply.status_code == 200
    return str(reply.json()["code"])


async def _link(client: httpx.AsyncClient, studio: Studio, code: object, user_id: str, **more: Any) -> httpx.Response:
    body = {"code": code, "platform": "steam", "user_id": user_id, **more}
    return await client.post(LINK, json=body, headers=await studio.server_headers(client))


async def test_create_code_for_linking_accounts(client: httpx.AsyncClient, studio: Studio) -> None:
    token = await sign_device_in(client, studio.login_project_id)
    first, second = await _code(client, token), await _code(client, token)
    assert len(second) == 6
    assert second.isdigit()
    # Only the last one counts.
    if first != second:
        assert error_of(await _link(client, studio, first, uuid4().hex)) == (422, "003-039")
    assert (await _link(client, studio, second, uuid4().hex)).status_code == 204
    codes = await asyncio.gather(*(_code(client, token) for _ in range(5)))
    assert len(codes) == 5
    assert error_of(await client.post(f"{CODE}?x=%00", headers=bearer(token))) == (400, "0")


async def test_link_accounts_by_code(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    token, steam_id = await sign_device_in(client, studio.login_project_id), uuid4().hex
    code = await _code(client, token)
    reply = await _link(client, studio, int(code), steam_id, publisher_project_id=studio.project_id)
    assert (reply.status_code, reply.content) == (204, b"")
    db = context.database.session()
    found = await find_platform_account(db, studio.login_project_id, player_of(token), "steam")
    assert found == steam_id
    assert await find_platform_account(db, studio.login_project_id, player_of(token), "xbox") is None
    assert error_of(await _link(client, studio, code, uuid4().hex)) == (422, "003-039")
    # The same pair again is no harm; another player or another account is refused, and keeps its code.
    assert (await _link(client, studio, await _code(client, token), steam_id)).status_code == 204
    second = await sign_device_in(client, studio.login_project_id)
    code = await _code(client, second)
    assert error_of(await _link(client, studio, code, steam_id)) == (422, "010-016")
    assert (await _link(client, studio, code, uuid4().hex)).status_code == 204
    assert error_of(await _link(client, studio, await _code(client, token), uuid4().hex)) == (422, "010-016")


async def test_link_accounts_by_code_once(client: httpx.AsyncClient, studio: Studio) -> None:
    code = await _code(client, await sign_device_in(client, studio.login_project_id))
    replies = await asyncio.gather(*(_link(client, studio, code, uuid4().hex) for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [204] + [422] * 19


async def test_link_accounts_by_code_counts_attempts(client: httpx.AsyncClient, studio: Studio) -> None:
    steam_id, code = uuid4().hex, await _code(client, await sign_device_in(client, studio.login_project_id))
    wrong = "000000" if code != "000000" else "111111"
    statuses = [(await _link(client, studio, wrong, steam_id)).status_code for _ in range(LINKING_ATTEMPTS_MAX)]
    assert statuses == [422] * LINKING_ATTEMPTS_MAX
    refused = await _link(client, studio, code, steam_id)
    assert error_of(refused) == (429, "003-049")
    assert 0 < int(refused.headers["retry-after"]) <= 600
    assert (await _link(client, studio, code, uuid4().hex)).status_code == 204


async def test_link_accounts_by_code_counts_attempts_with_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    steam_id = uuid4().hex
    headers = await studio.server_headers(client)
    body = {"code": "123456", "platform": "steam", "user_id": steam_id}
    replies = [
        await client.post(LINK, json=body, headers={**headers, "Idempotency-Key": uuid4().hex})
        for _ in range(LINKING_ATTEMPTS_MAX + 1)
    ]
    assert [reply.status_code for reply in replies] == [422] * LINKING_ATTEMPTS_MAX + [429]


async def test_link_accounts_by_code_refuses(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    code = await _code(client, await sign_device_in(client, studio.login_project_id))
    # A code of one login project is nothing in another.
    assert error_of(await _link(client, other_studio, code, uuid4().hex)) == (422, "003-039")
    foreign = await _link(client, studio, code, uuid4().hex, project_id=str(other_studio.login_project_id))
    assert error_of(foreign) == (404, "003-019")
    own = str(studio.login_project_id)
    both = await _link(client, studio, code, "1", project_id=own, publisher_project_id=other_studio.project_id)
    assert error_of(both) == (400, "0")
    bad = await _link(client, studio, "", "", platform="nintendo", project_id="x")
    assert error_of(bad) == (422, "0")
    assert {fault.split(".")[0] for fault in faults_of(bad)} == {"code", "user_id", "platform", "project_id"}
    body = {"code": code, "platform": "steam", "user_id": "1"}
    assert error_of(await client.post(LINK, json=body)) == (401, "002-016")


async def test_link_user_ids_via_external_id(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    headers = await studio.server_headers(client)
    token, external = await sign_device_in(client, studio.login_project_id), uuid4().hex

    async def link(player_id: UUID, external_id: str) -> httpx.Response:
        body = {"external_account_id": external_id, "user_id": str(player_id)}
        return await client.post(EXTERNAL, json=body, headers=headers)

    for _ in range(2):
        assert (await link(player_of(token), external)).status_code == 204
    me = (await client.get(ME, headers=bearer(token))).json()
    assert me["external_id"] == external
    assert error_of(await link(player_of(token), uuid4().hex)) == (400, "0")
    second = player_of(await sign_device_in(client, studio.login_project_id))
    assert error_of(await link(second, external)) == (422, "010-016")
    elsewhere = player_of(await sign_device_in(client, other_studio.login_project_id))
    assert error_of(await link(elsewhere, uuid4().hex)) == (404, "003-002")
    third = player_of(await sign_device_in(client, studio.login_project_id))
    fresh = uuid4().hex
    replies = await asyncio.gather(link(second, fresh), link(third, fresh))
    assert sorted(reply.status_code for reply in replies) == [204, 422]
    # Who comes later has it in the token.
    again = await issue_player_token(studio.context, studio.login_project_id, player_of(token))
    assert claims_of(again)["external_account_id"] == external
    assert faults_of(await client.post(EXTERNAL, json={}, headers=headers)) == {"external_account_id", "user_id"}


async def test_get_users_ids_by_social_id_and_platform(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, client_id: int
) -> None:
    account, steam_id = await register(client, client_id), uuid4().hex
    token = (await sign_in(client, client_id, account))["access_token"]
    assert (await _link(client, studio, await _code(client, token), steam_id)).status_code == 204
    users = [
        {"user_id": "nobody", "platform": "steam"},
        {"user_id": steam_id, "platform": "steam"},
        {"user_id": steam_id, "platform": "xbox"},
    ]
    body = {"users": users, "project_id": str(studio.login_project_id)}
    reply = await client.post(INFO, json=body, headers=await studio.server_headers(client))
    assert reply.status_code == 200
    assert [(found["user_id"], found["platform"]) for found in reply.json()] == [
        (user["user_id"], user["platform"]) for user in users
    ]
    assert [found["xl_uid"] for found in reply.json()] == [None, str(player_of(token)), None]
    assert reply.json()[1]["email"] == account.email
    foreign = await other_studio.server_headers(client)
    unknown = await client.post(INFO, json={"users": users}, headers=foreign)
    assert [found["xl_uid"] for found in unknown.json()] == [None, None, None]
    assert error_of(await client.post(INFO, json=body, headers=foreign)) == (404, "003-019")
    many = {"users": [users[0]] * 51, "project_id": 5}
    bad = await client.post(INFO, json=many, headers=foreign)
    assert (error_of(bad), faults_of(bad)) == ((400, "0"), {"users", "project_id"})
