"""Codes: adding one, making many, reading them in pages."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from make.codes import (
    COUPON,
    KINDS,
    PROMO_CODE,
    UNIQUE_OFFER,
    add_code,
    any_code,
    coded_path,
    faults,
    list_codes,
    make_coded,
    new_body,
    refusal,
)
from make.projects import Studio

Check = Callable[..., Awaitable[None]]


async def _make(client: httpx.AsyncClient, studio: Studio, kind: str, *codes: str) -> str:
    return await make_coded(client, studio, kind, new_body(kind), *codes, is_enabled=False)


async def _generate(
    client: httpx.AsyncClient, studio: Studio, kind: str, external_id: str, count: Any
) -> httpx.Response:
    path = coded_path(studio, kind, f"/{external_id}/code/generate")
    return await client.put(path, json={"count": count}, auth=studio.basic)


@pytest.fixture
def check_adding(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> Check:
    """A code is added once in a project, whatever the kind; capitals tell codes apart."""

    async def check(kind: str, unknown: str) -> None:
        external_id = await _make(client, studio, kind)
        code = any_code()
        reply = await add_code(client, studio, kind, external_id, code)
        assert (reply.status_code, reply.json()) == (201, {"code": code})
        assert (await add_code(client, studio, kind, external_id, code.lower())).status_code == 201
        assert (await list_codes(client, studio, kind, external_id)) == ([code, code.lower()], 2)
        for other_kind in KINDS:
            other = await _make(client, studio, other_kind)
            again = await add_code(client, studio, other_kind, other, code)
            assert refusal(again) == (422, 9803, "[0401-9803]: The code already exists.")
        foreign = await _make(client, other_studio, kind, code)
        assert refusal(await add_code(client, studio, kind, foreign, any_code())) == (404, 9802, unknown)
        for faulty in ("", "a b", "a-b", "x" * 129, "ü", "A\n", None, 1):
            assert faults(await add_code(client, studio, kind, external_id, faulty)) == {"coupon_code"}
        assert (await add_code(client, studio, kind, external_id, "x" * 128)).status_code == 201

    return check


@pytest.fixture
def check_pages(client: httpx.AsyncClient, studio: Studio) -> Check:
    """Codes come in the order in which they were added."""

    async def check(kind: str, unknown: str) -> None:
        codes = [any_code() for _ in range(5)]
        external_id = await _make(client, studio, kind, *codes)
        await _make(client, studio, kind, any_code())
        assert await list_codes(client, studio, kind, external_id) == (codes, 5)
        assert await list_codes(client, studio, kind, external_id, limit=2, offset=3) == (codes[3:], 5)
        assert await list_codes(client, studio, kind, external_id, limit=5_000) == (codes, 5)
        reply = await client.get(coded_path(studio, kind, "/nothing/code"), auth=studio.basic)
        assert refusal(reply) == (404, 9802, unknown)

    return check


@pytest.fixture
def check_generating(client: httpx.AsyncClient, studio: Studio) -> Check:
    """Codes are random, different, and as many as were asked for."""

    async def check(kind: str, unknown: str) -> None:
        external_id = await _make(client, studio, kind)
        for count in (1, 2_500):
            reply = await _generate(client, studio, kind, external_id, count)
            assert (reply.status_code, reply.json()) == (200, {"count": count})
        codes, total = await list_codes(client, studio, kind, external_id, limit=1_000, offset=1_501)
        assert (len(set(codes)), total) == (1_000, 2_501)
        assert all(re.fullmatch(r"[A-HJ-NP-Z2-9]{13}", code) for code in codes)
        for faulty in (0, -1, 100_001, "10", 1.5, None):
            assert faults(await _generate(client, studio, kind, external_id, faulty)) == {"count"}
        assert (await list_codes(client, studio, kind, external_id))[1] == 2_501
        assert refusal(await _generate(client, studio, kind, "nothing", 1)) == (404, 9802, unknown)

    return check


COUPON_UNKNOWN, PROMO_CODE_UNKNOWN = "[0401-9802]: Coupon not found", "[0401-9802]: Promocode not found"


async def test_create_coupon_code(check_adding: Check) -> None:
    await check_adding(COUPON, COUPON_UNKNOWN)


async def test_create_promo_code_code(check_adding: Check) -> None:
    await check_adding(PROMO_CODE, PROMO_CODE_UNKNOWN)


async def test_create_unique_catalog_offer_code(check_adding: Check) -> None:
    await check_adding(UNIQUE_OFFER, COUPON_UNKNOWN)


async def test_get_coupon_codes(check_pages: Check) -> None:
    await check_pages(COUPON, COUPON_UNKNOWN)


async def test_get_promocode_codes(check_pages: Check) -> None:
    await check_pages(PROMO_CODE, PROMO_CODE_UNKNOWN)


async def test_get_unique_catalog_offer_codes(check_pages: Check) -> None:
    await check_pages(UNIQUE_OFFER, COUPON_UNKNOWN)


async def test_generate_coupon_codes(check_generating: Check) -> None:
    await check_generating(COUPON, COUPON_UNKNOWN)


async def test_generate_promo_code_codes(check_generating: Check) -> None:
    await check_generating(PROMO_CODE, PROMO_CODE_UNKNOWN)


async def test_generate_unique_catalog_offer_codes(check_generating: Check) -> None:
    await check_generating(UNIQUE_OFFER, COUPON_UNKNOWN)
