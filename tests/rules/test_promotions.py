"""Which promotions apply, what they do together, and who wins where they exclude each other: the examples of
docs/pricing.md, and properties over made-up promotions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.catalog.records import Period, Schedule
from haversack.limits.records import FOR_EVER, Uses
from haversack.personalization.records import AttributeCondition, AttributeType
from haversack.pricing.records import Line
from haversack.pricing.rules import price_cart
from haversack.promotions.records import (
    BonusItems,
    CartPercent,
    CartPrice,
    Comparison,
    HasCode,
    HasItems,
    ItemPercent,
    ItemPrice,
    Promotion,
    PromotionKind,
    PromotionLimits,
    Situation,
    UserAttributes,
)
from haversack.promotions.rules import Applied, apply_promotions, left_to_player

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SWORD, SHIELD, GEM = 1, 2, 3
NOBODY = Situation(now=NOW, attributes=None)
PLAYER = Situation(now=NOW, attributes={})


def make_promotion(promotion_id: int, **given: object) -> Promotion:
    fresh = Promotion(
        project_id=1,
        promotion_id=promotion_id,
        kind=PromotionKind.DISCOUNT,
        external_id=None,
        name={"en-US": f"Promotion {promotion_id}"},
        is_enabled=True,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(fresh, **given)  # type: ignore[arg-type]


def percent_off(
    promotion_id: int, percent: str, items: tuple[int, ...] | None = (SWORD,), **given: object
) -> Promotion:
    return make_promotion(promotion_id, rewards=(ItemPercent(Decimal(percent), items),), **given)


def make_line(amount: str | None, item_id: int = SWORD, quantity: int = 1) -> Line:
    return Line(
        item_id=item_id,
        sku=f"item{item_id}",
        quantity=quantity,
        unit_amount=None if amount is None else Decimal(amount),
    )


def paid(lines: Sequence[Line], applied: Applied, currency: str = "USD") -> Decimal | None:
    return price_cart(lines, currency=currency, discounts=applied.discounts).amount


def kept(applied: Applied) -> list[int]:
    return [verdict.promotion_id for verdict in applied.verdicts if verdict.is_kept]


@pytest.mark.parametrize("order", list(permutations(["10", "20", "5"])))
def test_discounts_multiply_in_any_order(order: tuple[str, ...]) -> None:
    lines = [make_line("10.00")]
    promotions = [percent_off(number, percent) for number, percent in enumerate(order, 1)]
    assert paid(lines, apply_promotions(promotions, lines, NOBODY, currency="USD")) == Decimal("6.84")


@pytest.mark.parametrize(
    ("line", "percent", "currency", "amount"),
    [
        (make_line("0.99", quantity=3), "50", "USD", "1.49"),
        (make_line("100"), "33", "JPY", "67"),
        (make_line("1.000"), "0.05", "KWD", "1.000"),
        (make_line("10.00"), "100", "USD", "0.00"),
    ],
)
def test_a_line_is_rounded_once(line: Line, percent: str, currency: str, amount: str) -> None:
    applied = apply_promotions([percent_off(1, percent)], [line], NOBODY, currency=currency)
    assert paid([line], applied, currency) == Decimal(amount)


def test_a_discount_of_everything_makes_a_free_cart() -> None:
    lines = [make_line("10.00")]
    applied = apply_promotions([percent_off(1, "100")], lines, NOBODY, currency="USD")
    assert price_cart(lines, currency="USD", discounts=applied.discounts).is_free


def test_the_better_of_two_stays() -> None:
    lines = [make_line("10.00")]
    promotions = [percent_off(1, "30", excluded_promotion_ids=(2,)), percent_off(2, "20")]
    applied = apply_promotions(promotions, lines, NOBODY, currency="USD")
    assert kept(applied) == [1]
    assert paid(lines, applied) == Decimal("7.00")
    assert applied.verdicts[1].why == "Promotion 1 excludes it, and is better for the player."


def test_exclusions_hold_both_ways() -> None:
    lines = [make_line("10.00")]
    promotions = [percent_off(1, "20", excluded_promotion_ids=(2,)), percent_off(2, "30")]
    assert kept(apply_promotions(promotions, lines, NOBODY, currency="USD")) == [2]


def test_the_best_combination_stays() -> None:
    lines = [make_line("10.00")]
    promotions = [percent_off(1, "20", excluded_promotion_ids=(2, 3)), percent_off(2, "15"), percent_off(3, "10")]
    applied = apply_promotions(promotions, lines, NOBODY, currency="USD")
    assert kept(applied) == [2, 3]
    assert paid(lines, applied) == Decimal("7.65")


def test_of_equal_ones_the_smaller_id_stays() -> None:
    lines = [make_line("10.00")]
    promotions = [percent_off(7, "20"), percent_off(5, "20", excluded_promotion_ids=(7,))]
    assert kept(apply_promotions(promotions, lines, NOBODY, currency="USD")) == [5]


def test_of_equal_prices_more_bonuses_stay() -> None:
    lines = [make_line("10.00")]
    one = make_promotion(1, rewards=(BonusItems(((GEM, 1),)),), excluded_promotion_ids=(2,))
    more = make_promotion(2, rewards=(BonusItems(((GEM, 5),)),))
    assert kept(apply_promotions([one, more], lines, NOBODY, currency="USD")) == [2]


def test_many_that_exclude_each_other_leave_the_best() -> None:
    lines = [make_line("100.00")]
    everyone = tuple(range(1, 31))
    promotions = [percent_off(each, str(each), excluded_promotion_ids=everyone) for each in everyone]
    assert kept(apply_promotions(promotions, lines, NOBODY, currency="USD")) == [30]


@pytest.mark.parametrize(
    ("promotion", "why"),
    [
        (percent_off(1, "10", is_enabled=False), "It is switched off."),
        (
            percent_off(1, "10", periods=(Period("2026-11-21T15:00:01+03:00", None),)),
            "It is not in one of its periods.",
        ),
        (
            percent_off(1, "10", periods=(Period("2026-11-01T00:00:00+00:00", "2026-11-21T12:00:00+00:00"),)),
            "It is not in one of its periods.",
        ),
        (percent_off(1, "10", conditions=(HasItems((SWORD, SHIELD)),)), "Not all items that it asks for are bought."),
        (
            percent_off(1, "10", None, conditions=(ItemPrice((Comparison("gt", Decimal(10)),)),)),
            "No item has a price that it asks for.",
        ),
        (
            percent_off(1, "10", conditions=(CartPrice((Comparison("ge", Decimal("10.01")),)),)),
            "The price of the cart is not what it asks for.",
        ),
        (percent_off(1, "10", conditions=(HasCode(),)), "None of its codes was given."),
        (percent_off(1, "10", (SHIELD,)), "It does nothing for what is bought."),
        (percent_off(1, "10", limits=PromotionLimits(total=0)), "All of its uses have been used."),
    ],
)
def test_why_a_promotion_is_dropped(promotion: Promotion, why: str) -> None:
    lines = [make_line("10.00")]
    applied = apply_promotions([promotion], lines, PLAYER, currency="USD")
    assert [(verdict.is_kept, verdict.why) for verdict in applied.verdicts] == [(False, why)]
    assert paid(lines, applied) == Decimal("10.00")


def test_it_begins_and_ends_on_the_second() -> None:
    lines = [make_line("10.00")]
    promotion = percent_off(1, "10", periods=(Period("2026-11-21T15:00:00+03:00", "2026-11-21T12:00:05+00:00"),))
    found = [
        kept(apply_promotions([promotion], lines, replace(NOBODY, now=NOW + timedelta(seconds=s)), currency="USD"))
        for s in (-1, 0, 4, 5)
    ]
    assert found == [[], [1], [1], []]


def test_a_price_condition_chooses_items() -> None:
    lines = [make_line("10.00"), make_line("5.00", SHIELD)]
    promotion = percent_off(1, "50", None, conditions=(ItemPrice((Comparison("lt", Decimal(10)),)),))
    assert paid(lines, apply_promotions([promotion], lines, NOBODY, currency="USD")) == Decimal("12.50")


def test_a_discount_does_not_make_another_appear() -> None:
    """Conditions look at prices before discounts."""
    lines = [make_line("10.00")]
    cheap = percent_off(2, "50", None, conditions=(ItemPrice((Comparison("lt", Decimal(10)),)),))
    applied = apply_promotions([percent_off(1, "10"), cheap], lines, NOBODY, currency="USD")
    assert kept(applied) == [1]


def test_a_discount_of_the_cart_touches_every_line() -> None:
    lines = [make_line("10.00"), make_line("5.00", SHIELD), make_line(None, GEM)]
    promotion = make_promotion(1, rewards=(CartPercent(Decimal(10)),))
    priced = price_cart(
        lines, currency="USD", discounts=apply_promotions([promotion], lines, NOBODY, currency="USD").discounts
    )
    assert [line.amount for line in priced.lines] == [Decimal("9.00"), Decimal("4.50"), None]


def test_attributes_open_a_promotion() -> None:
    lines = [make_line("10.00")]
    is_veteran = AttributeCondition(attribute="level", type=AttributeType.NUMBER, operator="ge", value="50")
    promotion = percent_off(1, "10", conditions=(UserAttributes((is_veteran,)),))
    situations = (
        NOBODY,
        PLAYER,
        replace(PLAYER, attributes={"level": "50"}),
        replace(PLAYER, attributes={"level": "9"}),
    )
    found = [kept(apply_promotions([promotion], lines, each, currency="USD")) for each in situations]
    assert found == [[], [], [1], []]


def test_a_players_limit_ends_a_promotion_for_the_player_alone() -> None:
    lines = [make_line("10.00")]
    promotion = percent_off(1, "10", limits=PromotionLimits(per_user=2))
    used = replace(PLAYER, uses={1: Uses(FOR_EVER, 2)})
    assert kept(apply_promotions([promotion], lines, used, currency="USD")) == []
    assert kept(apply_promotions([promotion], lines, PLAYER, currency="USD")) == [1]
    assert kept(apply_promotions([promotion], lines, NOBODY, currency="USD")) == [1]


def test_a_limit_begins_anew_with_its_window() -> None:
    promotion = percent_off(1, "10", limits=PromotionLimits(per_user=1, schedule=Schedule("daily", "00:00:00+00:00")))
    used_yesterday = replace(PLAYER, uses={1: Uses(NOW - timedelta(days=1), 1)})
    used_today = replace(PLAYER, uses={1: Uses(NOW.replace(hour=0), 1)})
    assert [left_to_player(promotion, each) for each in (used_yesterday, used_today)] == [1, 0]
    reset = replace(used_today, resets={1: NOW - timedelta(hours=1)})
    assert left_to_player(promotion, reset) == 1


AMOUNTS = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(1000), places=2)
PERCENTS = st.decimals(min_value=Decimal(0), max_value=Decimal(100), places=2)


@given(
    amounts=st.lists(AMOUNTS, min_size=1, max_size=4),
    percents=st.lists(st.tuples(PERCENTS, st.sets(st.integers(1, 6), max_size=3)), max_size=6),
)
def test_whatever_applies_never_excludes_each_other_and_never_costs_more(
    amounts: list[Decimal], percents: list[tuple[Decimal, set[int]]]
) -> None:
    lines = [make_line(str(amount), number) for number, amount in enumerate(amounts, 1)]
    promotions = [
        make_promotion(
            number, rewards=(CartPercent(percent),), excluded_promotion_ids=tuple(sorted(excluded - {number}))
        )
        for number, (percent, excluded) in enumerate(percents, 1)
    ]
    applied = apply_promotions(promotions, lines, NOBODY, currency="USD")
    ids = set(kept(applied))
    for promotion in promotions:
        if promotion.promotion_id in ids:
            assert not ids.intersection(promotion.excluded_promotion_ids)
    total = paid(lines, applied)
    assert total is not None and 0 <= total <= sum(amounts)
    # Nothing that was dropped alone would have been better than all that stayed.
    best_alone = min(
        (paid(lines, apply_promotions([each], lines, NOBODY, currency="USD")) for each in promotions), default=total
    )
    assert best_alone is not None and total <= best_alone
    assert [verdict.promotion_id for verdict in applied.verdicts] == sorted(each.promotion_id for each in promotions)
    assert apply_promotions(list(reversed(promotions)), lines, NOBODY, currency="USD") == applied


DISCOUNTS = st.lists(
    st.tuples(PERCENTS, st.none() | st.frozensets(st.integers(1, 5), min_size=1, max_size=3), st.booleans()), max_size=6
)


def made_discounts(given: list[tuple[Decimal, frozenset[int] | None, bool]]) -> list[Promotion]:
    """Discounts off items, off items by their price, and off the cart; none asks for other lines."""
    promotions = []
    for number, (percent, items, is_by_price) in enumerate(given, 1):
        if is_by_price:
            reward, conditions = ItemPercent(percent, None), (ItemPrice((Comparison("ge", Decimal(50)),)),)
        elif items is None:
            reward, conditions = CartPercent(percent), ()
        else:
            reward, conditions = ItemPercent(percent, tuple(sorted(items))), ()
        promotions.append(make_promotion(number, rewards=(reward,), conditions=conditions))
    return promotions


def lines_paid(promotions: Sequence[Promotion], lines: Sequence[Line]) -> list[Decimal | None]:
    applied = apply_promotions(promotions, lines, NOBODY, currency="USD")
    return [line.amount for line in price_cart(lines, currency="USD", discounts=applied.discounts).lines]


@given(amounts=st.lists(AMOUNTS, min_size=2, max_size=5), given_discounts=DISCOUNTS)
def test_a_line_more_leaves_the_others_as_they_are(
    amounts: list[Decimal], given_discounts: list[tuple[Decimal, frozenset[int] | None, bool]]
) -> None:
    lines = [make_line(str(amount), number, quantity=number) for number, amount in enumerate(amounts, 1)]
    promotions = made_discounts(given_discounts)
    whole = lines_paid(promotions, lines)
    assert lines_paid(promotions, lines[:-1]) == whole[:-1]
    assert all(amount is not None and amount >= 0 for amount in whole)


@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=4), given_discounts=DISCOUNTS, seed=st.integers(0, 99))
def test_independent_discounts_commute(
    amounts: list[Decimal], given_discounts: list[tuple[Decimal, frozenset[int] | None, bool]], seed: int
) -> None:
    lines = [make_line(str(amount), number) for number, amount in enumerate(amounts, 1)]
    promotions = made_discounts(given_discounts)
    shuffled = list(promotions)
    Random(seed).shuffle(shuffled)
    renumbered = [replace(each, promotion_id=number) for number, each in enumerate(shuffled, 1)]
    assert lines_paid(promotions, lines) == lines_paid(renumbered, lines)
