"""A studio's server links an account of a platform to the player whose code it was told."""

from uuid import UUID, uuid4

import httpx
import pytest

from haversack.login.actions import create_linking_code, find_platform_account
from haversack.login.identities import PlayerIdentity
from haversack.login.rules import LINKING_ATTEMPTS_MAX
from make.inventory import path
from make.projects import Studio
from make.taxonomy import refusal


async def _code_of(studio: Studio, player_id: UUID) -> str:
    headers = await studio.player_headers(player_id)
    player = await studio.context.tokens.verify_player(headers["Authorization"].removeprefix("Bearer "))
    assert isinstance(player, PlayerIdentity)
    code, _ = await create_linking_code(studio.context.database.session(), player)
    return code


async def _link(client: httpx.AsyncClient, studio: Studio, **body: str) -> httpx.Response:
    return await client.post(path(studio, "inventory/account/link"), json=body, auth=studio.basic)


async def test_inventory_account_link(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    code = await _code_of(studio, player_id)
    reply = await _link(client, studio, linking_code=code, platform="xbox_live", user_id="xbox-7")
    assert (reply.status_code, reply.content) == (204, b"")
    db = studio.context.database.session()
    assert await find_platform_account(db, studio.login_project_id, player_id, "xbox_live") == "xbox-7"
    again = await _link(client, studio, linking_code=code, platform="xbox_live", user_id="xbox-7")
    assert refusal(again) == (422, 1102), "a code is used once"
    other = await _code_of(studio, uuid4())
    taken = await _link(client, studio, linking_code=other, platform="xbox_live", user_id="xbox-7")
    assert refusal(taken) == (422, 1102)
    assert "already linked" in taken.json()["errorMessage"]


async def test_link_by_a_wrong_code(client: httpx.AsyncClient, studio: Studio) -> None:
    """Attempts count for the platform account, and stay counted."""
    for _ in range(LINKING_ATTEMPTS_MAX):
        reply = await _link(client, studio, linking_code="53LRH2", platform="xbox_live", user_id="guesser")
        assert refusal(reply) == (422, 1102)
        assert "Wrong linking code" in reply.json()["errorMessage"]
    code = await _code_of(studio, uuid4())
    reply = await _link(client, studio, linking_code=code, platform="xbox_live", user_id="guesser")
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "change", [{"linking_code": ""}, {"platform": "amiga"}, {"user_id": ""}, {"user_id": 7}, {"linking_code": None}]
)
async def test_link_by_a_wrong_body(client: httpx.AsyncClient, studio: Studio, change: dict[str, str]) -> None:
    body = {"linking_code": "123456", "platform": "xbox_live", "user_id": "x"} | change
    assert refusal(await _link(client, studio, **body)) == (422, 1102)
