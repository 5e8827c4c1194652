"""Looking at codes without using them: what a coupon or promo code gives, what kind of code it is."""

from collections.abc import Sequence

import httpx
import pytest

from make.catalog import bundle, game, game_key, price, virtual_item
from make.client_catalog import new_player, sell
from make.codes import (
    COUPON,
    PROMO_CODE,
    UNIQUE_OFFER,
    any_code,
    coupon,
    get_coded,
    look,
    make_coded,
    promo_code,
    redeem,
    refusal,
    unique_offer,
)
from make.projects import Studio
from make.taxonomy import make_region

COUPON_UNKNOWN = (404, 9807, "[0401-9807]: Enter a valid coupon code.")
PROMO_CODE_UNKNOWN = (404, 9807, "[0401-9807]: Enter a valid promo code.")
CODE_UNKNOWN = (404, 9811, "[0401-9811]: Code not found.")
EXPIRED = (422, 9810, "[0401-9810]: Sorry, this code is expired.")
NOT_SENT = (403, 0, "Authorization header not sent")
ENDED = {"date_end": "2026-06-01T00:00:00+03:00"}


async def _skus(client: httpx.AsyncClient, studio: Studio) -> tuple[str, str, str]:
    """An item, a bundle of it, and a game with two keys."""
    lamp = await sell(client, studio, virtual_item())
    chest = await sell(client, studio, bundle(lamp, prices=[price(5)]), "bundle")
    return lamp, chest, await sell(client, studio, game(game_key("steam"), game_key("gog")), "game")


async def test_get_coupon_rewards_by_code(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, chest, opera = await _skus(client, studio)
    code, plain = any_code(), any_code()
    external_id = await make_coded(client, studio, COUPON, coupon(lamp, chest, opera, redeem_total_limit=1), code)
    await make_coded(client, studio, COUPON, coupon(lamp), plain)
    _, headers = await new_player(studio)
    reply = await look(client, studio, headers, f"coupon/code/{code}/rewards")
    assert reply.status_code == 200, reply.text
    rewards = reply.json()
    assert (rewards["is_selectable"], rewards["discount"]) == (True, None)
    good, box, unit = (each["item"] for each in rewards["bonus"])
    assert [each["quantity"] for each in rewards["bonus"]] == [2, 2, 2]
    assert (good["sku"], good["name"], good["type"]) == (lamp, "Lamp", "virtual_good")
    assert set(good["inventory_options"]) == {"consumable", "expiration_period"}
    assert (box["bundle_type"], [each["sku"] for each in box["content"]]) == ("standard", [lamp])
    assert (unit["sku"], unit["type"]) == (opera, "unit")
    assert [(key["drm_sku"], key["drm_name"], key["type"]) for key in unit["unit_items"]] == [
        ("steam", "Steam", "game_key"),
        ("gog", "GOG", "game_key"),
    ]
    # Looking uses nothing.
    assert (await get_coded(client, studio, COUPON, external_id))["total_limit_state"]["used"] == 0
    one = (await look(client, studio, headers, f"coupon/code/{plain}/rewards")).json()
    assert (one["is_selectable"], "unit_items" in one["bonus"][0]["item"]) == (False, False)


async def test_get_promo_code_rewards_by_code(client: httpx.AsyncClient, studio: Studio) -> None:
    _, chest, opera = await _skus(client, studio)
    whole, items, chosen = any_code(), any_code(), any_code()
    await make_coded(client, studio, PROMO_CODE, promo_code(bonus=[{"sku": opera, "quantity": 1}]), whole)
    discounted = [{"sku": sku, "discount": {"percent": "5.5"}} for sku in (chest, opera)]
    await make_coded(client, studio, PROMO_CODE, promo_code(discount=None, discounted_items=discounted), items)
    prices = [{"operator": "ge", "value": "1"}]
    await make_coded(client, studio, PROMO_CODE, promo_code(item_price_conditions=prices), chosen)
    _, headers = await new_player(studio)

    async def read(code: str) -> dict[str, object]:
        reply = await look(client, studio, headers, f"promocode/code/{code}/rewards")
        assert reply.status_code == 200, reply.text
        found: dict[str, object] = reply.json()
        return found

    first = await read(whole)
    assert (first["discount"], first["discounted_items"]) == ({"percent": "10.00"}, None)
    assert first["is_selectable"] is True
    second = await read(items)
    shown = second["discounted_items"]
    assert isinstance(shown, list)
    assert [(each["sku"], each["discount"]) for each in shown] == [
        (chest, {"percent": "5.50"}),
        (opera, {"percent": "5.50"}),
    ]
    assert len(shown[1]["unit_items"]) == 2
    assert (second["discount"], second["bonus"], second["is_selectable"]) == (None, [], False)
    assert (await read(chosen))["discount"] == {"percent": "10.00"}


async def test_verify_promotion_code(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    gift, sale, offer = any_code(), any_code(), any_code()
    await make_coded(client, studio, COUPON, coupon(lamp), gift)
    await make_coded(client, studio, PROMO_CODE, promo_code(), sale)
    await make_coded(client, studio, UNIQUE_OFFER, unique_offer(lamp), offer)
    _, headers = await new_player(studio)
    for code, kind, bonuses in ((gift, "coupon", 1), (sale, "promo_code", 0), (offer, "unique_catalog_offer", 0)):
        reply = await look(client, studio, headers, f"promotion/code/{code}/verify")
        assert reply.status_code == 200, reply.text
        answer = reply.json()
        assert (answer["type"], answer["code"]) == (kind, code)
        assert (len(answer["rewards"]["bonus"]), answer["rewards"]["is_selectable"]) == (bonuses, False)
        assert ("discount" in answer["rewards"]) == (kind == "promo_code")


async def test_verify_promotion_code_in_regions(client: httpx.AsyncClient, studio: Studio) -> None:
    region_id = await make_region(client, studio, countries=["DE"])
    local = await sell(client, studio, virtual_item(regions=[{"id": region_id}]))
    opera = await sell(client, studio, game(game_key(regions=[{"id": region_id}]), game_key("gog")), "game")
    gift, sale, offer, keys = (any_code() for _ in range(4))
    await make_coded(client, studio, COUPON, coupon(local), gift)
    await make_coded(client, studio, PROMO_CODE, promo_code(bonus=[{"sku": local, "quantity": 1}]), sale)
    await make_coded(client, studio, UNIQUE_OFFER, unique_offer(local), offer)
    await make_coded(client, studio, COUPON, coupon(opera), keys)
    player_id, _ = await new_player(studio)
    there, elsewhere = ({"X-User-Country": country} for country in ("DE", "FR"))
    headers = await studio.player_headers(player_id)
    for code, what in ((gift, "Coupon"), (sale, "Promo code"), (offer, "Unique offer")):
        refused = await look(client, studio, {**headers, **elsewhere}, f"promotion/code/{code}/verify")
        assert refusal(refused) == (422, 9808, f"[0401-9808]: {what} is not available in your region.")
        assert (await look(client, studio, {**headers, **there}, f"promotion/code/{code}/verify")).status_code == 200
    # Of a game that is given, the keys that may be had there.
    for place, count in ((there, 2), (elsewhere, 1)):
        found = (await look(client, studio, {**headers, **place}, f"coupon/code/{keys}/rewards")).json()
        assert len(found["bonus"][0]["item"]["unit_items"]) == count
        assert found["is_selectable"] is (count == 2)


@pytest.mark.parametrize(
    ("kinds", "rest", "unknown"),
    [
        ((COUPON,), "coupon/code/{}/rewards", COUPON_UNKNOWN),
        ((PROMO_CODE,), "promocode/code/{}/rewards", PROMO_CODE_UNKNOWN),
        ((COUPON, PROMO_CODE, UNIQUE_OFFER), "promotion/code/{}/verify", CODE_UNKNOWN),
    ],
)
async def test_verify_promotion_code_refuses_like_the_calls_on_rewards(
    client: httpx.AsyncClient,
    studio: Studio,
    other_studio: Studio,
    kinds: Sequence[str],
    rest: str,
    unknown: tuple[int, int, str],
) -> None:
    lamp = await sell(client, studio, virtual_item())
    theirs = await sell(client, other_studio, virtual_item())
    bodies = {COUPON: coupon, UNIQUE_OFFER: unique_offer, PROMO_CODE: lambda _, **more: promo_code(**more)}
    _, headers = await new_player(studio)

    async def found(code: str) -> tuple[int, int, str]:
        return refusal(await look(client, studio, headers, rest.format(code)))

    for kind, body in bodies.items():
        off, ended, foreign, right = (any_code() for _ in range(4))
        await make_coded(client, studio, kind, body(lamp), off, is_enabled=False)
        await make_coded(client, studio, kind, body(lamp, **ENDED), ended)
        await make_coded(client, other_studio, kind, body(theirs), foreign)
        await make_coded(client, studio, kind, body(lamp), right)
        if kind in kinds:
            assert await found(ended) == EXPIRED
        else:
            assert await found(right) == unknown
            continue
        for code in (off, foreign):
            assert await found(code) == unknown
    assert await found(any_code()) == unknown
    assert await found("no-code") == unknown
    assert refusal(await look(client, studio, {}, rest.format(any_code()))) == NOT_SENT
    stranger = (await new_player(other_studio))[1]
    assert (await look(client, studio, stranger, rest.format(any_code()))).status_code == 401


async def test_verify_promotion_code_that_is_used_up(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, virtual_item()), any_code()
    await make_coded(client, studio, COUPON, coupon(lamp, redeem_user_limit=1, redeem_code_limit=1), code)
    _, headers = await new_player(studio)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    for rest in (f"promotion/code/{code}/verify", f"coupon/code/{code}/rewards"):
        reached = (422, 9804, "[0401-9804]: You have reached the coupon redemption limit.")
        assert refusal(await look(client, studio, headers, rest)) == reached
    _, other = await new_player(studio)
    assert refusal(await look(client, studio, other, f"promotion/code/{code}/verify")) == CODE_UNKNOWN
