"""The sentences of traces that follow from values alone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from haversack.catalog.records import Price
from haversack.explain.records import Asked, Cost, Finding, LineTrace, Topic, Trace
from haversack.explain.rules import partner_findings, price_findings, span
from haversack.explain.text import lines_of_trace
from haversack.personalization.records import PartnerAnswer, PartnerItem, PartnerSource

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DEFAULT = Price(Decimal("9.99"), "USD", None, True, True)
EXTRA = Price(Decimal("8.99"), "EUR", None, False, True)
GERMAN = Price(Decimal("8.49"), "EUR", "DE", False, True)


@pytest.mark.parametrize(
    ("prices", "chosen", "country", "currency", "whys"),
    [
        ([DEFAULT], DEFAULT, "", None, ["It is the default."]),
        ([DEFAULT, EXTRA], DEFAULT, "", None, ["It is the default.", "It is neither the default nor for a country."]),
        ([DEFAULT, EXTRA], EXTRA, "", "EUR", ["Prices in EUR were asked for.", "No other price fits in EUR."]),
        (
            [DEFAULT, EXTRA, GERMAN],
            GERMAN,
            "DE",
            "EUR",
            ["Prices in EUR were asked for.", "Another price comes first.", "DE has a price of its own."],
        ),
        ([GERMAN], None, "", None, ["It is for DE alone."]),
    ],
)
def test_prices(prices: list[Price], chosen: Price | None, country: str, currency: str | None, whys: list[str]) -> None:
    found = list(price_findings(prices, chosen, country=country, currency=currency, is_asked_for=True))
    assert [each.why for each in found] == whys
    assert [each.is_kept for each in found] == [price is chosen for price in prices]


def test_spans() -> None:
    later = NOON + timedelta(hours=1)
    assert span(None, None) == "always"
    assert span(NOON, None) == "from 2026-06-01T12:00:00+00:00"
    assert span(NOON, later) == "from 2026-06-01T12:00:00+00:00 until 2026-06-01T13:00:00+00:00"


@pytest.mark.parametrize(
    ("source", "is_now", "why"),
    [
        (PartnerSource.ANSWERED, True, "The game has said what this player sees."),
        (PartnerSource.GUESTS, False, "The game does not know the player, who sees what it shows to guests."),
        (PartnerSource.REMEMBERED, False, "The game does not answer: what it said last stands in. It is away."),
    ],
)
def test_where_the_games_answer_comes_from(source: PartnerSource, is_now: bool, why: str) -> None:
    problem = "" if is_now else "It is away."
    answer = PartnerAnswer(source=source, by_sku={"lamp": PartnerItem(3)}, problem=problem)
    first, last = partner_findings(answer, PartnerItem(3), is_hidden=False)
    assert (first.is_kept, first.why) == (is_now, why)
    assert (last.is_kept, last.why) == (True, "The game offers it: 3 of it.")


def test_a_trace_as_text() -> None:
    asked = Asked(at=NOON, player="hero", country="DE", currency="EUR", code="SUMMER")
    line = LineTrace(
        sku="lamp",
        item_id=1,
        name="Lamp",
        quantity=2,
        is_shown=True,
        can_be_bought=False,
        cost=Cost(Decimal("8.99"), Decimal("9.99"), "EUR"),
        findings=(
            Finding(Topic.REGION, "regions", True, "It is sold everywhere."),
            Finding(Topic.LIMIT, "per_user", False, "None is left."),
        ),
    )
    sale = Finding(Topic.PROMOTION, "promotion 5 (Sale)", True, "It applies.")
    item = Trace(project_id=7, cart_id=None, asked=asked, lines=(line,), findings=(sale,), cost=line.cost)
    assert list(lines_of_trace(item)) == [
        "item lamp of project 7, for hero, in DE, in EUR, with the code SUMMER, at 2026-06-01T12:00:00+00:00",
        "",
        "2 x lamp: shown, cannot be bought, 8.99 EUR (before discounts 9.99)",
        "  + region  regions   It is sold everywhere.",
        "  - limit   per_user  None is left.",
        "",
        "promotions",
        "  + promotion  promotion 5 (Sale)  It applies.",
    ]
    empty = Trace(project_id=7, cart_id="mine", asked=Asked(at=NOON), lines=(), findings=(), cost=None)
    assert list(lines_of_trace(empty)) == [
        "cart mine of project 7, for somebody who is not signed in, in no known country, at 2026-06-01T12:00:00+00:00",
        "",
        "The cart is empty.",
    ]
