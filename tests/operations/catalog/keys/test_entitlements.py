"""Rights to games: granted, redeemed by codes, listed, revoked."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from haversack.catalog.keys.rules import REDEEM_ATTEMPTS_MAX
from haversack.catalog.records import PreOrder
from haversack.clock import real_now
from haversack.login.actions import trust_outside_issuer
from make.keys import (
    grant,
    held_games,
    make_game,
    make_region,
    new_grant,
    new_player,
    of_attributes,
    redeem,
    request,
    state_of,
    states_of,
    upload,
)
from make.projects import Studio
from make.taxonomy import admin, faulty_fields, refusal

KEY = "opera_drmfree"


async def _revoke(client: httpx.AsyncClient, studio: Studio, body: dict[str, object]) -> httpx.Response:
    return await client.post(f"{admin(studio)}/entitlement/revoke", json=body, auth=studio.basic)


async def test_redeem_game_pin_code(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO"])
    player_id = uuid4()
    reply = await redeem(client, studio, player_id, " ONE ", unknown_member=1)
    assert (reply.status_code, reply.content) == (201, b"")
    assert await states_of(studio, KEY) == ["used", "available"]
    assert (await held_games(client, studio, player_id))["total_items_count"] == 1
    again = await redeem(client, studio, player_id, "TWO")
    assert refusal(again) == (422, 5101)
    assert again.json()["errorMessage"] == "[0401-5101]: User already has entitlement."
    assert await state_of(studio, "TWO") == "available"


async def test_redeem_what_was_requested(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE"])
    assert (await request(client, studio, KEY, 1)).text == "ONE"
    assert (await redeem(client, studio, uuid4(), "ONE")).status_code == 201
    assert await state_of(studio, "ONE") == "used"


async def test_redeem_refuses(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    ahead = PreOrder(real_now() + timedelta(days=1), is_enabled=True)
    await make_game(studio, drms=("drmfree", "steam"))
    await make_game(studio, "sequel", pre_order=ahead)
    await make_game(other_studio)
    await upload(client, studio, KEY, ["ONE"])
    await upload(client, studio, "opera_steam", ["STEAM"])
    await upload(client, studio, "sequel_drmfree", ["EARLY"])
    await upload(client, other_studio, KEY, ["FOREIGN"])
    assert (await redeem(client, studio, uuid4(), "ONE")).status_code == 201
    for code, expected, text in (
        ("NOTHING", (404, 4603), "[0401-4603]: Game code not found."),
        ("FOREIGN", (404, 4603), "[0401-4603]: Game code not found."),
        ("one", (404, 4603), "[0401-4603]: Game code not found."),
        ("ONE", (422, 5107), "[0401-5107]: Game code has been already activated"),
        ("STEAM", (422, 5103), "[0401-5103]: Selected drm is not drmfree."),
        ("EARLY", (422, 5106), "[0401-5106]: Item: sequel is in pre-order state and can not be redeemed"),
    ):
        player_id = uuid4()
        reply = await redeem(client, studio, player_id, code)
        assert refusal(reply) == expected
        assert reply.json()["errorMessage"] == text
        assert (await held_games(client, studio, player_id))["items"] == []
    assert await state_of(studio, "EARLY") == "available"
    for body in ({}, {"code": ""}, {"code": 5}, {"code": "A", "sandbox": "maybe"}):
        url = f"/api/v2/project/{studio.project_id}/entitlement/redeem"
        wrong = await client.post(url, json=body, headers=await studio.player_headers(uuid4()))
        assert refusal(wrong) == (422, 1102)


async def test_redeem_where_a_game_is_not_sold(client: httpx.AsyncClient, studio: Studio) -> None:
    """A code opens its game in the region of its pool, one of no pool in the regions of its key."""
    german, french = await make_region(studio, "DE", "AT"), await make_region(studio, "FR")
    await make_game(studio, region_ids=(german, french))
    await upload(client, studio, "opera_drmfree", ["ANYWHERE", "ELSEWHERE"])
    await upload(client, studio, "opera_drmfree", ["GERMAN"], region_id=german)
    secret, issuer = b"a secret that another issuer shares", "https://accounts.example.com"
    await trust_outside_issuer(
        studio.context.database.session(),
        studio.context.sealer,
        studio.login_project_id,
        issuer=issuer,
        secret=secret,
    )

    async def redeem_in(country: str | None, code: str) -> httpx.Response:
        claims: dict[str, Any] = {"iss": issuer, "sub": uuid4().hex, "exp": int(real_now().timestamp()) + 600}
        claims |= {"xsolla_login_project_id": str(studio.login_project_id)}
        claims |= {} if country is None else {"country": country}
        token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))
        return await client.post(
            f"/api/v2/project/{studio.project_id}/entitlement/redeem",
            json={"code": code},
            headers={"Authorization": f"Bearer {token}"},
        )

    assert refusal(await redeem_in("FR", "GERMAN")) == (422, 1601)
    assert refusal(await redeem_in("US", "ANYWHERE")) == (422, 1601)
    assert await state_of(studio, "GERMAN") == await state_of(studio, "ANYWHERE") == "available"
    assert (await redeem_in("at", "GERMAN")).status_code == 201
    assert (await redeem_in("FR", "ANYWHERE")).status_code == 201
    # Whose token names no country is not kept from a code that they have bought.
    assert (await redeem_in(None, "ELSEWHERE")).status_code == 201


async def test_redeem_into_the_sandbox(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO"])
    player_id = uuid4()
    assert (await redeem(client, studio, player_id, "ONE", sandbox=True)).status_code == 201
    assert (await held_games(client, studio, player_id))["items"] == []
    assert len((await held_games(client, studio, player_id, sandbox=1))["items"]) == 1
    assert (await redeem(client, studio, player_id, "TWO")).status_code == 201
    assert len((await held_games(client, studio, player_id, sandbox=0))["items"]) == 1


@pytest.mark.parametrize("with_keys", [False, True])
async def test_redeem_slows_guessing_down(client: httpx.AsyncClient, studio: Studio, with_keys: bool) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO"])
    url = f"/api/v2/project/{studio.project_id}/entitlement/redeem"
    player_id = uuid4()
    headers = await studio.player_headers(player_id)

    async def attempt(number: int, code: str) -> httpx.Response:
        # A fresh key for each attempt must not undo its count.
        key = {"Idempotency-Key": f"{player_id}-{number}"} if with_keys else {}
        return await client.post(url, json={"code": code}, headers={**headers, **key})

    for number in range(REDEEM_ATTEMPTS_MAX):
        assert (await attempt(number, f"GUESS-{number}")).status_code == 404
    refused = await attempt(100, "ONE")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 15 * 60
    assert await state_of(studio, "ONE") == "available"
    # Others are not slowed down, and a code that fits begins the count anew.
    other = uuid4()
    for _ in range(REDEEM_ATTEMPTS_MAX - 1):
        await redeem(client, studio, other, "WRONG")
    assert (await redeem(client, studio, other, "ONE")).status_code == 201
    assert (await redeem(client, studio, other, "WRONG")).status_code == 404


async def test_redeem_repeated_with_a_key(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE"])
    url = f"/api/v2/project/{studio.project_id}/entitlement/redeem"
    headers = {**await studio.player_headers(uuid4()), "Idempotency-Key": "redeem-1"}
    statuses = [(await client.post(url, json={"code": "ONE"}, headers=headers)).status_code for _ in range(3)]
    assert statuses == [201, 201, 201]


async def test_grant_entitlement_admin(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    player_id = await new_player(studio)
    reply = await grant(client, studio, player_id)
    assert (reply.status_code, reply.content) == (200, b"")
    assert (await held_games(client, studio, player_id))["total_items_count"] == 1
    assert refusal(await grant(client, studio, player_id)) == (422, 5101)
    assert (await grant(client, studio, player_id, mode="sandbox")).status_code == 200


async def test_grant_by_a_code(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await make_game(studio, "sequel")
    await upload(client, studio, KEY, ["ONE"])
    await upload(client, studio, "sequel_drmfree", ["OTHER"])
    first, second = await new_player(studio), await new_player(studio)
    assert refusal(await grant(client, studio, first, code="NOTHING")) == (404, 4603)
    assert refusal(await grant(client, studio, first, code="OTHER")) == (404, 4603)
    assert (await grant(client, studio, first, code="ONE")).status_code == 200
    assert await state_of(studio, "ONE") == "used"
    assert refusal(await grant(client, studio, second, code="ONE")) == (422, 5107)
    assert (await held_games(client, studio, second))["items"] == []


async def test_grant_refuses(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    region_id = await make_region(studio, "DE", "AT")
    await make_game(studio, drms=("steam",))
    await make_game(studio, "sequel", region_ids=(region_id,))
    await make_game(other_studio, "trial")
    player_id = await new_player(studio)
    assert refusal(await grant(client, studio, player_id, drm={"sku": "steam"})) == (422, 5103)
    for sku in ("opera", "nothing", "trial", "sequel_drmfree"):
        assert refusal(await grant(client, studio, player_id, game={"sku": sku})) == (404, 4604)
    sequel = {"game": {"sku": "sequel"}}
    assert refusal(await grant(client, studio, uuid4(), **sequel)) == (404, 5008)
    assert refusal(await grant(client, studio, player_id, **sequel, user_country="FR")) == (422, 1601)
    wrong = await grant(
        client, studio, player_id, drm={"sku": "floppy"}, mode="x", user_country="Germany", colour="red"
    )
    assert refusal(wrong) == (422, 1102)
    assert faulty_fields(wrong) == {"drm.sku", "mode", "user_country", "colour"}
    assert (await held_games(client, studio, player_id))["items"] == []
    assert (await grant(client, studio, player_id, **sequel, user_country="de")).status_code == 200


async def test_revoke_entitlement_admin(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE"])
    player_id = uuid4()
    await redeem(client, studio, player_id, "ONE")
    await grant(client, studio, player_id, mode="sandbox")
    body = new_grant(player_id)
    assert (await _revoke(client, studio, body)).status_code == 204
    assert (await held_games(client, studio, player_id))["items"] == []
    assert len((await held_games(client, studio, player_id, sandbox=1))["items"]) == 1
    # The code was used; the right can be given again.
    assert refusal(await redeem(client, studio, player_id, "ONE")) == (422, 5107)
    assert (await _revoke(client, studio, body)).status_code == 204
    assert (await grant(client, studio, player_id)).status_code == 200


async def test_revoke_refuses(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    player_id = await new_player(studio)
    steam = new_grant(player_id, drm={"sku": "steam"})
    assert refusal(await _revoke(client, studio, steam)) == (422, 5103)
    assert refusal(await _revoke(client, studio, new_grant(player_id, game={"sku": "x"}))) == (404, 4604)
    assert refusal(await _revoke(client, studio, new_grant(uuid4()))) == (404, 5008)
    with_code = await _revoke(client, studio, new_grant(player_id, code="ONE"))
    assert (refusal(with_code), faulty_fields(with_code)) == ((422, 1102), {"code"})


async def test_get_user_games(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    await make_game(
        studio,
        name={"de": "Oper", "en": "Opera"},
        description={"de": "Laut"},
        image_url="https://pictures.example.com/opera.png",
        attributes=of_attributes("genre"),
    )
    await make_game(studio, "sequel", pre_order=PreOrder(datetime(2999, 1, 1, tzinfo=UTC), is_enabled=True))
    await make_game(other_studio)
    player_id = await new_player(studio)
    assert await held_games(client, studio, player_id) == {
        "has_more": False,
        "total_items_count": 0,
        "items": [],
    }
    await grant(client, studio, player_id)
    await grant(client, studio, player_id, game={"sku": "sequel"})
    opera = {
        "name": "Opera",
        "description": "Laut",
        "project_id": studio.project_id,
        "game_sku": "opera",
        "drm": "drmfree",
        "image_url": "https://pictures.example.com/opera.png",
        "is_pre_order": False,
        "attributes": [],
    }
    found = await held_games(client, studio, player_id)
    assert (found["has_more"], found["total_items_count"]) == (False, 2)
    assert [game["is_pre_order"] for game in found["items"]] == [True, False]
    assert found["items"][1] == opera
    page = await held_games(client, studio, player_id, limit=1)
    assert (page["has_more"], page["total_items_count"]) == (True, 2)
    assert [game["game_sku"] for game in page["items"]] == ["sequel"]
    assert (await held_games(client, studio, player_id, limit=500, offset=1))["items"] == [opera]
    genre = {**opera, "attributes": [{"external_id": "genre", "name": "Genre", "values": []}]}
    for name in ("additional_fields[]", "additional_fields"):
        asked = {name: ["media_list", "attributes"]}
        assert (await held_games(client, studio, player_id, offset=1, **asked))["items"] == [genre]
    assert (await held_games(client, studio, await new_player(studio)))["items"] == []


async def test_get_user_games_of_another_project(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    headers = await studio.player_headers(uuid4())
    for project_id in (other_studio.project_id, 2**31 - 1):
        url = f"/api/v2/project/{project_id}/entitlement"
        assert (await client.get(url, headers=headers)).status_code == 401
        redeemed = await client.post(f"{url}/redeem", json={"code": "ONE"}, headers=headers)
        assert redeemed.status_code == 401
    for wrong in ("limit=0", "limit=x", "offset=-1", "sandbox=2"):
        reply = await client.get(f"/api/v2/project/{studio.project_id}/entitlement?{wrong}", headers=headers)
        assert refusal(reply) == (422, 1102)
        assert faulty_fields(reply) == {wrong.partition("=")[0]}


async def test_rights_outlive_their_game(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE"])
    player_id = await new_player(studio)
    await grant(client, studio, player_id)
    gone = await client.delete(f"{admin(studio)}/items/game/sku/opera", auth=studio.basic)
    assert gone.status_code == 204
    assert [game["game_sku"] for game in (await held_games(client, studio, player_id))["items"]] == ["opera"]
    assert refusal(await redeem(client, studio, uuid4(), "ONE")) == (404, 4603)
    assert refusal(await grant(client, studio, await new_player(studio))) == (404, 4604)
    assert (await _revoke(client, studio, new_grant(player_id))).status_code == 204
    assert (await held_games(client, studio, player_id))["items"] == []
