"""Who may call: each scheme's wrong forms, and one list of callers over every operation of the document (R25)."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.app import every_operation
from haversack.context import Context
from haversack.errors import AUTHORIZATION_NOT_SENT
from haversack.http.area import Operation
from haversack.projects.actions import rotate_host_id, rotate_key
from haversack.projects.keys import KeyKind
from make.backpack import give
from make.projects import Studio, make_project_beside

OPERATIONS = [operation for operation in every_operation() if operation.in_document]


class _PathValues(dict[str, str]):
    """Whatever a path asks for beside tenants and players: a number for ids, a word for the rest."""

    def __missing__(self, name: str) -> str:
        return "1" if name in ("id", "item_id", "group_id", "region_id") else "something"


def _path(operation: Operation, studio: Studio) -> str:
    uses_uuids = operation.family.name in ("login", "backpack")
    values = _PathValues(
        merchant_id=str(studio.merchant_id),
        project_id=str(studio.login_project_id if operation.family.name == "login" else studio.project_id),
        user_id=str(uuid4()),
        device_type="android",
    )
    if uses_uuids:
        values["item_id"] = str(uuid4())
    return operation.path.format_map(values)


async def _headers(kind: str, studio: Studio, client: httpx.AsyncClient) -> dict[str, str]:
    basic = b64encode(f"{studio.project_id}:{studio.api_key}".encode()).decode()
    merchant = b64encode(f"{studio.merchant_id}:{studio.merchant_key}".encode()).decode()
    server = await studio.server_token(client)
    player = (await studio.player_headers(uuid4()))["Authorization"]
    return {
        "nobody": {},
        "admin": {"Authorization": f"Basic {basic}"},
        "player": {"Authorization": player},
        "server": {"X-SERVER-AUTHORIZATION": server},
        "host": {"Authorization": f"Bearer {server}", "X-HOST-ID": str(studio.host_id)},
        "player as server": {"X-SERVER-AUTHORIZATION": player},
        "player as host": {"Authorization": player, "X-HOST-ID": str(studio.host_id)},
        "server as player": {"Authorization": f"Bearer {server}"},
        "merchant": {"Authorization": f"Basic {merchant}"},
    }[kind]


WRONG_CALLERS = {
    "PlayerCall": ("nobody", "admin", "server", "server as player"),
    "ServerCall": ("nobody", "admin", "player", "player as server"),
    "HostCall": ("nobody", "admin", "player", "server", "server as player", "player as host"),
    "AdminCall": ("nobody", "player", "server", "host"),
    "MerchantCall": ("nobody", "player", "server", "admin"),
    "BuyerCall": ("nobody", "admin", "server", "server as player"),
    "ShopperCall": ("nobody", "admin", "server", "server as player"),
    "StudioCall": ("nobody", "player", "server", "host"),
    "GuestCall": (),
    "PublicCall": (),
}
RIGHT_CALLERS = {"HostCall": "host", "AdminCall": "admin", "MerchantCall": "merchant", "StudioCall": "admin"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_wrong_callers(client: httpx.AsyncClient, studio: Studio, operation: Operation) -> None:
    for kind in WRONG_CALLERS[operation.caller.__name__]:
        headers = await _headers(kind, studio, client)
        reply = await client.request(operation.method, _path(operation, studio), headers=headers)
        sends_nothing = AUTHORIZATION_NOT_SENT in operation.errors and "Authorization" not in headers
        assert reply.status_code == (403 if sends_nothing else 401), f"{kind}: {reply.status_code} {reply.text}"


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.caller.__name__ in RIGHT_CALLERS],
    ids=lambda operation: operation.name,
)
async def test_swapped_tenants(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, operation: Operation
) -> None:
    """What opens one project opens nothing in another, and the answer is that of an unknown project."""
    headers = await _headers(RIGHT_CALLERS[operation.caller.__name__], studio, client)
    foreign = await client.request(operation.method, _path(operation, other_studio), headers=headers)
    other_studio.project_id += 1_000_000
    other_studio.merchant_id += 1_000_000
    unknown = await client.request(operation.method, _path(operation, other_studio), headers=headers)
    assert (foreign.status_code, unknown.status_code) == (401, 401)
    assert _without_id(foreign.json()) == _without_id(unknown.json())


def _without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in ("message_id", "transactionId", "request_id")}


async def test_players_of_other_login_projects_see_nothing(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    """One player id in two login projects is two players."""
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    foreign = await other_studio.player_headers(player_id)
    assert (await client.get("/web/backpack/items", headers=foreign)).json() == []
    url = f"/web/backpack/items/{item['item_id']}"
    assert (await client.get(url, headers=foreign)).status_code == 404
    moved = await client.post(
        "/web/backpack/virtual_items/move_to_game",
        json={"item_id": item["item_id"], "user_game_id": "thief"},
        headers=foreign,
    )
    assert moved.status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Basic",
        "Basic !!!",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"\xff\xfe:x").decode(),
        "Bearer x",
        "a fresh key",
    ],
)
async def test_wrong_basic_credentials(client: httpx.AsyncClient, studio: Studio, header: str | None) -> None:
    reply = await client.get(
        f"/api/v2/project/{studio.project_id}/admin/webhook",
        headers={"Authorization": header} if header else {},
    )
    assert reply.status_code == 401
    assert (reply.json()["statusCode"], reply.json()["errorCode"]) == (401, 1020)


async def test_keys_open_with_the_number_of_project_or_merchant(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    """Published back ends send a project's key with the merchant's number, and the merchant's with a project's."""
    beside = await make_project_beside(studio)
    url, url_beside = (f"/api/v2/project/{each.project_id}/admin/webhook" for each in (studio, beside))
    for key in (studio.api_key, studio.merchant_key):
        for number in (studio.project_id, studio.merchant_id):
            reply = await client.get(url, auth=httpx.BasicAuth(str(number), key))
            assert reply.status_code == 404, "nothing is set yet"
        for number in (other_studio.project_id, other_studio.merchant_id, beside.project_id, "None", ""):
            assert (await client.get(url, auth=httpx.BasicAuth(str(number), key))).status_code == 401
    as_merchant = httpx.BasicAuth(str(studio.merchant_id), studio.merchant_key)
    assert (await client.get(url_beside, auth=as_merchant)).status_code == 404
    with_one_key = httpx.BasicAuth(str(studio.merchant_id), studio.api_key)
    assert (await client.get(url_beside, auth=with_one_key)).status_code == 401


async def test_mistyped_key_needs_no_query(client: httpx.AsyncClient, studio: Studio) -> None:
    last = "A" if studio.api_key[-1] != "A" else "B"
    wrong = httpx.BasicAuth(str(studio.project_id), studio.api_key[:-1] + last)
    reply = await client.get(f"/api/v2/project/{studio.project_id}/admin/webhook", auth=wrong)
    assert reply.status_code == 401


async def test_rotated_key_ends_after_the_overlap(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    url = f"/api/v2/project/{studio.project_id}/admin/webhook"
    project = await context.directory.find_project(studio.project_id)
    assert project is not None
    options = {"for_merchant": False, "kind": KeyKind.PROJECT_TEST}
    second = await rotate_key(context, project, overlap=timedelta(hours=1), **options)
    assert (await client.get(url, auth=studio.basic)).status_code == 404
    third = await rotate_key(context, project, overlap=timedelta(), **options)
    for key, status in ((studio.api_key, 401), (second, 401), (third, 404)):
        reply = await client.get(url, auth=httpx.BasicAuth(str(studio.project_id), key))
        assert reply.status_code == status


async def test_rotated_host_id(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    project = await context.directory.find_project(studio.project_id)
    assert project is not None
    old = await studio.host_headers(client)
    fresh = {**old, "X-HOST-ID": str(await rotate_host_id(context, project, overlap=timedelta()))}
    assert (await client.get(f"{studio.backpack}/games", headers=old)).status_code == 401
    assert (await client.get(f"{studio.backpack}/games", headers=fresh)).status_code == 200


async def test_keys_are_not_in_the_database(studio: Studio, context: Context) -> None:
    async with context.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT row_to_json(k)::text AS row FROM api_keys k WHERE merchant_id = $1", studio.merchant_id
        )
    text = "".join(row["row"] for row in rows)
    assert len(rows) == 2
    for secret in (studio.api_key, studio.merchant_key):
        assert secret not in text
        assert secret.encode().hex() not in text


async def test_health(client: httpx.AsyncClient) -> None:
    """Of a database that is away tests/processes/test_database_away.py tells."""
    reply = await client.get("/health")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
    assert reply.headers["cache-control"] == "no-store"
