"""Guessing codes: after so many that open nothing, a player and an address have to wait."""

import asyncio

import httpx
import pytest

from haversack.promotions.codes.guessing import OF_ADDRESS_MAX, OF_PLAYER_MAX
from make.carts import guest_headers
from make.catalog import virtual_item
from make.client_catalog import new_player, sell
from make.codes import COUPON, PROMO_CODE, any_code, coupon, look, make_coded, promo_code, put_code, redeem
from make.projects import Studio


async def test_redeem_coupon_waits_after_guesses(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, virtual_item()), any_code()
    await make_coded(client, studio, COUPON, coupon(lamp), code)
    _, headers = await new_player(studio)
    # One count for all calls that take a code. What opens something does not count, and does not begin it anew.
    for number in range(OF_PLAYER_MAX):
        rest = (f"coupon/code/{any_code()}/rewards", f"promotion/code/{any_code()}/verify")[number % 2]
        assert (await look(client, studio, headers, f"promotion/code/{code}/verify")).status_code == 200
        assert (await look(client, studio, headers, rest)).status_code == 404
    for reply in (
        await redeem(client, studio, headers, code),
        await put_code(client, studio, headers, any_code()),
        await look(client, studio, headers, f"promotion/code/{code}/verify"),
        await look(client, studio, headers, f"promocode/code/{code}/rewards"),
    ):
        assert reply.status_code == 429
        assert 0 < int(reply.headers["retry-after"]) <= 900
    # Others go on, and so do carts without a code.
    assert (await redeem(client, studio, (await new_player(studio))[1], code)).status_code == 200
    assert (
        await client.put(f"/api/v2/project/{studio.project_id}/promocode/remove", json={}, headers=headers)
    ).is_success


async def test_redeem_promo_code_waits_after_guesses_of_an_address(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    code = any_code()
    await make_coded(client, studio, PROMO_CODE, promo_code(), code)
    # Guests make themselves up as many ids as they like.
    for _ in range(OF_ADDRESS_MAX // OF_PLAYER_MAX):
        guest = guest_headers()
        for _ in range(OF_PLAYER_MAX):
            assert (await put_code(client, studio, guest, any_code())).status_code == 404
    assert (await put_code(client, studio, guest_headers(), code)).status_code == 429
    # In another project the address has guessed nothing.
    assert (await put_code(client, other_studio, guest_headers(), any_code())).status_code == 404


@pytest.mark.parametrize("guesses", [50])
async def test_verify_promotion_code_many_at_once(client: httpx.AsyncClient, studio: Studio, guesses: int) -> None:
    """Who sends all guesses at once learns of no more of them than who waits for each answer."""
    _, headers = await new_player(studio)
    rests = [f"promotion/code/{any_code()}/verify" for _ in range(guesses)]
    for rest in rests[: OF_PLAYER_MAX - 1]:
        assert (await look(client, studio, headers, rest)).status_code == 404
    lamp, code = await sell(client, studio, virtual_item()), any_code()
    await make_coded(client, studio, COUPON, coupon(lamp), code)
    replies = await asyncio.gather(*(look(client, studio, headers, rest) for rest in rests))
    assert {reply.status_code for reply in replies} <= {404, 429}
    assert (await look(client, studio, headers, f"promotion/code/{code}/verify")).status_code == 429


async def test_an_order_is_no_way_to_guess_many_codes_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, virtual_item()), any_code()
    await make_coded(client, studio, PROMO_CODE, promo_code(), code)
    _, headers = await new_player(studio)
    path = f"/api/v2/project/{studio.project_id}/payment/item/{lamp}"
    # More than the connections to the database: the last one is read after many have missed.
    guesses = [*(any_code() for _ in range(60)), code]
    replies = await asyncio.gather(
        *(client.post(path, json={"sandbox": True, "promo_code": guess}, headers=headers) for guess in guesses)
    )
    assert {reply.status_code for reply in replies[:-1]} <= {404, 429}
    assert replies[-1].status_code == 429
