"""What may become of payments, what they cost with tax, what may go back, and what the wire calls it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

import haversack
from haversack.errors import Refusal
from haversack.money import exponent
from haversack.payments import rules
from haversack.payments.page.rules import passes_luhn
from haversack.payments.providers.test_cards import BY_NAME, BY_NUMBER, CHALLENGE_CODE, TEST_CARDS, Behaviour
from haversack.payments.records import CardDetails, Payment, PaymentState
from haversack.payments.wire.settings import SettingsBody, without_unknown

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def payment(state: PaymentState = PaymentState.DONE, **changes: Any) -> Payment:
    """A payment of 10 USD."""
    about: dict[str, Any] = dict.fromkeys(Payment.__dataclass_fields__)
    about |= {
        "project_id": 1,
        "payment_id": 1_100_001,
        "player_id": uuid4(),
        "state": state,
        "currency": "USD",
        "amount": Decimal(10),
        "refunded": Decimal(0),
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Payment(**{**about, **changes})


def test_every_state_is_known_and_can_be_reached() -> None:
    moves: Mapping[PaymentState, frozenset[PaymentState]] = rules.PAYMENT_MOVES
    assert set(moves) == set(PaymentState) == set(rules.WIRE_STATUS) == set(rules.RETURN_STATUS)
    reached = {PaymentState.CREATED}
    for _ in PaymentState:
        reached |= {to for state in reached for to in moves[state]}
    assert reached == set(PaymentState)


def test_money_that_came_in_never_becomes_no_money() -> None:
    for state in rules.PAID:
        assert rules.PAYMENT_MOVES[state] <= rules.PAID


def test_a_wrong_move_is_a_bug() -> None:
    assert rules.move(PaymentState.CREATED, PaymentState.PROCESSING) is PaymentState.PROCESSING
    with pytest.raises(AssertionError):
        rules.move(PaymentState.REFUNDED, PaymentState.DONE)


def test_the_numbers_of_the_wire() -> None:
    assert sorted(rules.WIRE_STATUS.values()) == [1, 2, 3, 4, 5, 7, 16]
    finished = {state for state, number in rules.WIRE_STATUS.items() if number in (3, 5, 13, 15)}
    assert finished == {PaymentState.DONE, PaymentState.FAILED}


@pytest.mark.parametrize(
    ("amount", "percent", "currency", "tax", "total"),
    [
        ("1.99", "8.88", "USD", "0.18", "2.17"),  # a capture of the wire
        ("10", "19", "EUR", "1.90", "11.90"),
        ("0.05", "10", "USD", "0.01", "0.06"),  # half up
        ("0.04", "10", "USD", "0.00", "0.04"),
        ("100", "8.5", "JPY", "9", "109"),
        ("1.001", "5", "KWD", "0.050", "1.051"),
        ("9.99", "0", "USD", "0.00", "9.99"),
        ("0", "19", "USD", "0.00", "0.00"),
    ],
)
def test_tax(amount: str, percent: str, currency: str, tax: str, total: str) -> None:
    taxed = rules.with_tax(Decimal(amount), Decimal(percent), currency)
    assert (str(taxed.tax), taxed.total) == (tax, Decimal(total))


@given(
    units=st.integers(0, 10**9),
    percent=st.decimals(0, 99, places=4),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_a_tax_is_exact_to_half_a_unit(units: int, percent: Decimal, currency: str) -> None:
    decimals = exponent(currency) or 0
    amount = Decimal(units).scaleb(-decimals)
    taxed = rules.with_tax(amount, percent, currency)
    assert taxed.total == amount + taxed.tax
    assert taxed.tax >= 0
    assert abs(taxed.tax - amount * percent / 100) <= Decimal("0.5").scaleb(-decimals)


@pytest.mark.parametrize("state", [state for state in PaymentState if state not in rules.PAID])
def test_only_what_was_paid_goes_back(state: PaymentState) -> None:
    with pytest.raises(Refusal, match="nothing to refund"):
        rules.check_refund(payment(state), amount=Decimal(1), code=1, is_partial=True)
    assert rules.refundable(payment(state)) == 0


@pytest.mark.parametrize(
    ("refunded", "amount", "message"),
    [
        (0, "10.01", "more than the 10"),
        (4, "6.01", "more than the 6"),
        (10, "0.01", "nothing to refund"),
        (10, "0", "nothing to refund"),
    ],
)
def test_no_more_goes_back_than_came_in(refunded: int, amount: str, message: str) -> None:
    held = payment(refunded=Decimal(refunded))
    with pytest.raises(Refusal, match=message):
        rules.check_refund(held, amount=Decimal(amount), code=1, is_partial=False)


@pytest.mark.parametrize("code", rules.REFUND_CODES)
def test_codes(code: int) -> None:
    rules.check_refund(payment(), amount=Decimal(10), code=code, is_partial=False)
    if code in (1, 3, 5, 7, 9, 10):
        rules.check_refund(payment(), amount=Decimal(1), code=code, is_partial=True)
    else:
        with pytest.raises(Refusal, match="does not go with"):
            rules.check_refund(payment(), amount=Decimal(1), code=code, is_partial=True)


def test_states_after_refunds() -> None:
    assert rules.state_after_refunds(payment(), given=Decimal("9.99")) is PaymentState.PARTIALLY_REFUNDED
    assert rules.state_after_refunds(payment(), given=Decimal("10.00")) is PaymentState.REFUNDED


def test_who_works_on_a_payment_may_have_died() -> None:
    held = payment(PaymentState.PROCESSING)
    assert rules.is_in_flight(held, real_now=NOW + rules.IN_FLIGHT - timedelta(seconds=1))
    assert not rules.is_in_flight(held, real_now=NOW + rules.IN_FLIGHT)
    assert not rules.is_in_flight(replace(held, state=PaymentState.DONE), real_now=NOW)


def test_the_test_cards() -> None:
    assert len(BY_NAME) == len(BY_NUMBER) == len(TEST_CARDS)
    assert all(passes_luhn(card.number) for card in TEST_CARDS)
    assert {card.behaviour for card in TEST_CARDS} == set(Behaviour)
    for number in ("4111111111111111", "4111111111111152", "4423610000000007"):
        assert number in BY_NUMBER
    # It is documented as the wrong one.
    assert CHALLENGE_CODE != "123456"


def test_the_document_lists_every_test_card() -> None:
    text = (Path(haversack.__file__).parents[2] / "docs" / "payments.md").read_text()
    for card in TEST_CARDS:
        assert f"| {card.number} | {card.name} |" in text
    assert CHALLENGE_CODE in text


def test_a_card_shows_itself_to_nobody() -> None:
    typed = CardDetails(number="4111111111111111", expiry_month=12, expiry_year=2040, cvv="987")
    assert "4111" not in repr(typed)
    assert "987" not in repr(typed)


def test_unknown_members_of_settings_are_taken_out() -> None:
    sent = {
        "ui": {"theme": "dark", "size": "large", "desktop": {"header": {"is_visible": True, "icon": 1}}},
        "sdk": {"platform": "android"},
        "return_url": "https://example.com",
    }
    assert without_unknown(sent, SettingsBody) == {
        "ui": {"theme": "dark", "desktop": {"header": {"is_visible": True}}},
        "return_url": "https://example.com",
    }
    assert without_unknown("no object", SettingsBody) == "no object"
    assert without_unknown({"ui": []}, SettingsBody) == {"ui": []}
