"""Which items an upsell of promotions shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from haversack.catalog.records import Period
from haversack.personalization.records import AttributeCondition, AttributeType
from haversack.pricing.records import Line
from haversack.promotions.records import (
    BonusItems,
    CartPercent,
    CartPrice,
    Comparison,
    Condition,
    HasCode,
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
from haversack.upsell.rules import promoted_items

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LINES = [
    Line(item_id=number, sku=f"lamp-{number}", quantity=1, unit_amount=None if number == 4 else Decimal(number))
    for number in (1, 2, 3, 4)
]
CHEAP = ItemPrice((Comparison("lt", Decimal(3)),))
DEAR_CART = CartPrice((Comparison("ge", Decimal(500)),))
VIP = UserAttributes((AttributeCondition(attribute="vip", type=AttributeType.STRING, operator="eq", value="yes"),))
TEN = Decimal(10)
BONUS = BonusItems(((3, 1),))


def made(*conditions: Condition, reward: Reward, **changes: object) -> Promotion:
    """An active promotion."""
    promotion = Promotion(
        project_id=44001,
        promotion_id=7,
        kind=PromotionKind.DISCOUNT,
        external_id=None,
        name={"en-US": "Sale"},
        is_enabled=True,
        conditions=conditions,
        rewards=(reward,),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(promotion, **changes)  # type: ignore[arg-type]


def shown(promotion: Promotion, **situation: object) -> set[int]:
    """The items that a player is shown."""
    about = {"now": NOW, "attributes": {}, **situation}
    return set(promoted_items([promotion], Situation(**about), LINES))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("promotion", "items"),
    [
        (made(reward=ItemPercent(TEN, (1, 3))), {1, 3}),
        (made(CHEAP, reward=ItemPercent(TEN, None)), {1, 2}),
        (made(reward=ItemPercent(TEN, None)), {1, 2, 3}),
        (made(DEAR_CART, reward=ItemPercent(TEN, (2,))), {2}),
        (made(reward=CartPercent(TEN)), set()),
        (made(HasItems((2, 4)), reward=BONUS), {2, 4}),
        (made(CHEAP, reward=BONUS), {1, 2}),
        (made(reward=BONUS), set()),
        (made(HasCode(), reward=ItemPercent(TEN, (1,))), set()),
        (made(reward=ItemPercent(TEN, (1,)), is_enabled=False), set()),
        (made(reward=ItemPercent(TEN, (1,)), periods=(Period(NOW.isoformat(), (NOW + DAY).isoformat()),)), {1}),
        (made(reward=ItemPercent(TEN, (1,)), periods=(Period((NOW - DAY).isoformat(), NOW.isoformat()),)), set()),
    ],
)
def test_items_of_promotions(promotion: Promotion, items: set[int]) -> None:
    assert shown(promotion) == items


def test_personal_promotions() -> None:
    promotion = made(VIP, reward=ItemPercent(TEN, (1,)))
    assert shown(promotion) == set()
    assert shown(promotion, attributes={"vip": "yes"}) == {1}


def test_used_up_promotions() -> None:
    promotion = made(reward=ItemPercent(TEN, (1,)), limits=PromotionLimits(total=2))
    assert shown(promotion, totals={7: 1}) == {1}
    assert shown(promotion, totals={7: 2}) == set()
