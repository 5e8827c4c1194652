"""Many uses of one promotion at once: no limit is passed, whichever it is, and the books agree (R4)."""

import asyncio
from random import Random
from uuid import UUID, uuid4

import pytest

from haversack.clock import real_now
from haversack.promotions.records import Promotion, PromotionKind, PromotionLimits
from haversack.promotions.use_queries import find_total, find_uses
from haversack.promotions.uses import TakenUse, Use, UsesExhausted, settle_uses
from make.inventory import differences_of
from make.projects import Studio
from make.promotions import save_promotion
from make.uses import give_back_uses, take_uses

CALLS = 50


async def _take(studio: Studio, player_id: UUID, *uses: Use, is_final: bool = False) -> tuple[TakenUse, ...] | None:
    """What was taken; None where a limit stood in the way."""
    db = studio.context.database.session()
    try:
        async with db.begin():
            return await take_uses(
                db,
                studio.project_id,
                player_id,
                uses,
                source=f"test:{uuid4().hex}",
                now=real_now(),
                is_final=is_final,
            )
    except UsesExhausted:
        return None


@pytest.mark.parametrize(
    "limits",
    [
        PromotionLimits(per_user=1),
        PromotionLimits(per_user=7),
        PromotionLimits(total=1),
        PromotionLimits(total=7),
        PromotionLimits(per_code=1),
        PromotionLimits(per_code=7),
    ],
)
async def test_last_uses_of_each_limit(studio: Studio, limits: PromotionLimits) -> None:
    left = limits.per_user or limits.total or limits.per_code
    promotion = await save_promotion(studio, PromotionKind.COUPON, "GIFT", limits=limits)
    one = uuid4()
    players = [one if limits.per_user else uuid4() for _ in range(CALLS)]
    taken = await asyncio.gather(*(_take(studio, player, Use(promotion, "GIFT"), is_final=True) for player in players))
    assert sum(each is not None for each in taken) == left
    assert await find_total(studio.context.database.session(), studio.project_id, promotion.promotion_id) == (left, 0)
    assert not await differences_of(studio)


async def test_one_time_codes(studio: Studio) -> None:
    codes = [f"CODE{number}" for number in range(10)]
    promotion = await save_promotion(studio, PromotionKind.COUPON, *codes, limits=PromotionLimits(per_code=1))
    wanted = codes * 5
    taken = await asyncio.gather(*(_take(studio, uuid4(), Use(promotion, code), is_final=True) for code in wanted))
    assert sorted(each[0].code or "" for each in taken if each) == sorted(codes)
    assert not await differences_of(studio)


async def test_last_use_of_a_discount_by_each_player(studio: Studio) -> None:
    promotion = await save_promotion(studio, PromotionKind.DISCOUNT, limits=PromotionLimits(per_user=1))
    players = [uuid4() for _ in range(5)]
    taken = await asyncio.gather(*(_take(studio, player, Use(promotion)) for player in players * 10))
    assert sum(each is not None for each in taken) == len(players)
    assert not await differences_of(studio)


async def test_taking_settling_and_giving_back_at_once(studio: Studio) -> None:
    limits = PromotionLimits(per_user=10_000, total=10_000)
    promotions = [
        (await save_promotion(studio, PromotionKind.PROMO_CODE, f"CODE{number}", limits=limits), f"CODE{number}")
        for number in range(3)
    ]
    players, random = [uuid4() for _ in range(4)], Random(5)
    ends = [random.choice(("paid", "unpaid", "open")) for _ in range(CALLS)]

    async def order(number: int) -> None:
        # Whoever names promotions names them in an order of its own: nobody waits for each other in a circle.
        mixed: list[tuple[Promotion, str]] = Random(number).sample(promotions, k=3)
        player_id = players[number % len(players)]
        taken = await _take(studio, player_id, *(Use(*each) for each in mixed))
        assert taken is not None
        db = studio.context.database.session()
        async with db.begin():
            if ends[number] == "paid":
                await settle_uses(db, studio.project_id, taken)
            elif ends[number] == "unpaid":
                await give_back_uses(
                    db, studio.project_id, player_id, taken, source=f"test:{uuid4().hex}", now=real_now()
                )

    await asyncio.gather(*map(order, range(CALLS)))
    db = studio.context.database.session()
    for promotion, _ in promotions:
        counts = await find_total(db, studio.project_id, promotion.promotion_id)
        assert counts == (ends.count("paid"), ends.count("open"))
        found = [await find_uses(db, studio.project_id, promotion.promotion_id, player) for player in players]
        assert sum(uses.used for uses in found if uses) == sum(counts)
    assert not await differences_of(studio)
