"""Promotions: what looking at them costs a cart, and pages of a catalog with 200 of them."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from benchmarks.bed import Bed, Served, measure_load, open_bed, serving, serving_bare
from benchmarks.catalog_filling import fill_catalog
from benchmarks.figures import Figure, Sample, Series, interleave
from benchmarks.load import build_request
from haversack.personalization.records import AttributeCondition, AttributeType
from haversack.pricing.records import Line
from haversack.pricing.rules import price_cart
from haversack.promotions.compiled import Promotions, compile_promotions
from haversack.promotions.records import (
    BonusItems,
    Comparison,
    Condition,
    HasItems,
    ItemPercent,
    ItemPrice,
    Promotion,
    PromotionKind,
    PromotionLimits,
    Reward,
    Situation,
    UserAttributes,
)
from haversack.promotions.rules import apply_promotions

if TYPE_CHECKING:
    from make.projects import Studio

PROMOTIONS = 200
ITEMS = 10_000
LINES = 20
TIMES = 50
CONNECTIONS = 8
SECONDS = 1.2
ROUNDS = 5
PLAYERS = 8
SHELF = "/virtual_items"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
VETERANS = AttributeCondition(attribute="level", type=AttributeType.NUMBER, operator="ge", value="5")


async def run() -> list[Figure]:
    """CPU of pricing a cart, and pages per second beside a bare answer of the same bytes."""
    figures = await _measure_rules()
    async with open_bed() as bed, serving(bed) as served:
        figures += await _measure_pages(bed, served)
    return figures


async def _measure_rules() -> list[Figure]:
    """A cart of twenty lines: a tenth of the promotions chooses items by their price and touches every cart."""
    few, many = _promotions(PROMOTIONS), _promotions(10 * PROMOTIONS)
    measured = await interleave({"few": lambda: _price(few), "many": lambda: _price(many)}, rounds=ROUNDS)
    milliseconds = measured["few"]["ms"]
    touching, all_touching = few.of_lines(_lines()), many.of_lines(_lines())
    share = measured["many"]["ms"].ratio(milliseconds) / (len(all_touching) / len(touching))
    return [
        milliseconds.figure(
            f"a cart of {LINES} lines against {PROMOTIONS} promotions ({len(touching)} touch it): its own CPU",
            "ms",
            wanted="under 2 ms",
            verdict=milliseconds.middle < 2,
        ),
        measured["many"]["ms"].figure(
            f"the same against {10 * PROMOTIONS} promotions ({len(all_touching)} touch it)",
            "ms",
            to=milliseconds,
            to_name=f"{PROMOTIONS} promotions",
        ),
        Figure(
            name="growth by those that touch the cart", value=share, unit="x", wanted="about 1 x", verdict=share < 2
        ),
    ]


def _promotions(count: int) -> Promotions:
    random = Random(1)
    return compile_promotions([_promotion(number, random) for number in range(count)])


def _promotion(number: int, random: Random) -> Promotion:
    items = tuple(random.sample(range(1, 1_000), 10))
    conditions: tuple[Condition, ...] = ()
    reward: Reward = ItemPercent(Decimal(10), items)
    kind, limits = PromotionKind.DISCOUNT, PromotionLimits()
    match number % 10:
        case 0:
            conditions = (ItemPrice((Comparison("ge", Decimal(random.randint(1, 100))),)),)
            reward = ItemPercent(Decimal("7.5"), None)
        case 1 | 2:
            kind, conditions = PromotionKind.BONUS, (HasItems(items[:1]),)
            reward = BonusItems(((items[1], 1),))
        case 3 | 4:
            conditions = (UserAttributes((VETERANS,)),)
        case 5:
            limits = PromotionLimits(per_user=3)
        case _:
            pass
    return Promotion(
        project_id=1,
        promotion_id=number + 1,
        kind=kind,
        external_id=None,
        name={"en-US": f"Promotion {number}"},
        is_enabled=True,
        conditions=conditions,
        rewards=(reward,),
        limits=limits,
        excluded_promotion_ids=(number,) if number % 10 == 6 else (),
        created_at=NOW,
        updated_at=NOW,
    )


def _lines() -> list[Line]:
    return [
        Line(item_id=number, sku=f"item-{number}", quantity=2, unit_amount=Decimal("9.99") + number)
        for number in range(1, LINES + 1)
    ]


async def _price(promotions: Promotions) -> Sample:
    lines, situation = _lines(), Situation(now=NOW, attributes={"level": "7"})
    started = time.process_time()
    for _ in range(TIMES):
        found = promotions.of_lines(lines)
        applied = apply_promotions(found, lines, situation, currency="USD")
        price_cart(lines, currency="USD", discounts=applied.discounts)
    return {"ms": (time.process_time() - started) * 1000 / TIMES}


async def _measure_pages(bed: Bed, served: Served) -> list[Figure]:
    from make.login import set_attributes
    from make.projects import make_studio

    studio = await make_studio(bed.context)
    await fill_catalog(bed.context, studio.project_id, ITEMS)
    players = {player: await studio.player_headers(player) for player in (uuid4() for _ in range(PLAYERS))}
    for number, player in enumerate(players):
        await set_attributes(studio, player, {"level": str(number + 6)})
    path = f"/api/v2/project/{studio.project_id}/items{SHELF}"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
        page = (await client.get(path)).raise_for_status().json()["items"]
        await _promote(client, studio, [item["sku"] for item in page])
        body = (await client.get(path)).raise_for_status().content
        for headers in players.values():
            mine = (await client.get(path, headers=headers)).raise_for_status()
            assert mine.content != body, "a player has prices of their own"
    sent = {
        "anonymous": [build_request("GET", path, {})],
        "signed in": [build_request("GET", path, headers) for headers in players.values()],
    }
    async with serving_bare(bed, body) as bare:
        sides: dict[str, Any] = {name: _load_of(served, requests) for name, requests in sent.items()}
        sides["bare"] = _load_of(bare, [build_request("GET", "/", {})])
        measured = await interleave(sides, rounds=ROUNDS)
    wanted = {"anonymous": 0.7, "signed in": 0.15}
    base = measured["bare"]["rate"]
    return [
        *(
            _rate(measured[name]["rate"], base, f"{ITEMS} items, {PROMOTIONS} promotions: {name}", least)
            for name, least in wanted.items()
        ),
        base.figure("a bare ASGI answer of the same bytes", "1/s"),
    ]


def _rate(rate: Series, base: Series, name: str, least: float) -> Figure:
    return rate.figure(
        name,
        "1/s",
        to=base,
        to_name="bare ASGI",
        wanted=f"at least {least:.0%} of bare ASGI",
        verdict=rate.ratio(base) >= least,
    )


async def _promote(client: httpx.AsyncClient, studio: "Studio", skus: Sequence[str]) -> None:
    """Discounts on the items of a page, every second of them for players of a level alone."""
    random = Random(1)
    path = f"/api/v3/project/{studio.project_id}/admin/promotion/item"
    personal = {"attribute": "level", "type": "number", "operator": "ge"}
    for number in range(PROMOTIONS):
        conditions = [{**personal, "value": str(5 + number % PLAYERS)}] if number % 2 else None
        body = {
            "name": {"en-US": f"Promotion {number}"},
            "discount": {"percent": "5.00"},
            "items": [{"sku": sku} for sku in random.sample(skus, 3)],
            **({"attribute_conditions": conditions} if conditions else {}),
        }
        (await client.post(path, json=body, auth=studio.basic)).raise_for_status()


def _load_of(served: Served, requests: Sequence[bytes]) -> Any:
    return lambda: measure_load(served, requests, connections=CONNECTIONS, seconds=SECONDS)
