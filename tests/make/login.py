"""Makes clients, players and tokens of login projects."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert

from haversack.clock import real_now
from haversack.login.actions import create_client
from haversack.login.records import ClientKind
from haversack.login.tables import player_attributes
from haversack.projects.keys import KeyKind
from make.projects import Studio

PASSWORD = "a password that nobody guesses"
STATE = "xsollatest"


@dataclass(slots=True)
class Account:
    """A registered player, with the address of return that registering gave."""

    username: str
    email: str
    password: str
    login_url: str

    @property
    def code(self) -> str:
        """The code that registering gave."""
        return code_of(self.login_url)


_set_attribute = insert(player_attributes).values(
    login_project_id=bindparam("login"),
    player_id=bindparam("player"),
    project_id=bindparam("project"),
    attr_type="server",
    key=bindparam("of_key"),
    value=bindparam("new_value"),
    permission="private",
    data_type="string",
    changed_at=bindparam("now"),
)
SET_ATTRIBUTE = _set_attribute.on_conflict_do_update(
    index_elements=["login_project_id", "player_id", "project_id", "attr_type", "key"],
    set_={"value": _set_attribute.excluded.value},
)


async def make_client(studio: Studio, kind: ClientKind, *redirect_uris: str) -> tuple[int, str]:
    """A client of the studio's login project: its number and secret."""
    return await create_client(
        studio.context.database.session(),
        login_project_id=studio.login_project_id,
        name="Client",
        kind=kind,
        secret_kind=KeyKind.CLIENT_TEST,
        redirect_uris=redirect_uris,
    )


async def make_public_client(studio: Studio, *redirect_uris: str) -> int:
    """A client without a secret, as games on players' devices are."""
    return (await make_client(studio, ClientKind.PUBLIC, *redirect_uris))[0]


def code_query(client_id: int, **more: str) -> dict[str, str]:
    """The query of the OAuth 2.0 sign-in calls."""
    return {"response_type": "code", "client_id": str(client_id), "state": STATE, **more}


def registration(**more: Any) -> dict[str, Any]:
    """The body of a registration with names of its own."""
    name = f"player-{uuid4().hex[:12]}"
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **more}


async def register(client: httpx.AsyncClient, client_id: int, *, scope: str = "", **more: Any) -> Account:
    """A player who has registered."""
    body = registration(**more)
    reply = await client.post("/api/oauth2/user", params=code_query(client_id, scope=scope), json=body)
    assert reply.status_code == 200, reply.text
    return Account(body["username"], body["email"], body["password"], reply.json()["login_url"])


async def sign_in(client: httpx.AsyncClient, client_id: int, account: Account, *, scope: str = "") -> dict[str, Any]:
    """The tokens of a player who signs in by password."""
    reply = await client.post(
        "/api/oauth2/login/token",
        params={"client_id": client_id, "scope": scope},
        json={"username": account.username, "password": account.password},
    )
    assert reply.status_code == 200, reply.text
    tokens: dict[str, Any] = reply.json()
    return tokens


def device_body() -> dict[str, str]:
    """The body of a sign-in of a device that was never seen."""
    return {"device": "Pixel 9", "device_id": uuid4().hex}


async def sign_device_in(client: httpx.AsyncClient, login_project_id: UUID, body: dict[str, str] | None = None) -> str:
    """The token of a device's player."""
    reply = await client.post(
        "/api/login/device/android", params={"projectId": str(login_project_id)}, json=body or device_body()
    )
    assert reply.status_code == 200, reply.text
    return str(reply.json()["token"])


def bearer(token: str) -> dict[str, str]:
    """The headers of a player's call."""
    return {"Authorization": f"Bearer {token}"}


def code_of(login_url: str) -> str:
    """The code in an address of return."""
    return parse_qs(urlsplit(login_url).query)["code"][0]


def part_of(token: str, index: int) -> dict[str, Any]:
    """A part of a token, read without belief: 0 its header, 1 its claims."""
    part = token.split(".")[index]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    return part_of(token, 1)


def player_of(token: str) -> UUID:
    """Whom a token speaks for."""
    return UUID(claims_of(token)["sub"])


def error_of(reply: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return reply.status_code, reply.json()["error"]["code"]


def faults_of(reply: httpx.Response) -> set[str]:
    """The faulty fields that a refusal names."""
    return {fault["property"] for fault in reply.json()["error"]["details"]["errors"]}


async def set_attributes(studio: Studio, player_id: UUID, attributes: Mapping[str, str]) -> None:
    """Give a player attributes, as the studio's server does."""
    db = studio.context.database.session()
    for key, value in attributes.items():
        await db.execute(
            SET_ATTRIBUTE,
            login=studio.login_project_id,
            player=player_id,
            project=studio.project_id,
            of_key=key,
            new_value=value,
            now=real_now(),
        )
