"""The cards that the sandbox knows, and what each of them does. docs/payments.md lists them for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# Pre-filled in the sandbox's 3-D Secure step. The documented wrong code is 123456.
CHALLENGE_CODE = "654321"


class Behaviour(StrEnum):
    """What becomes of a charge to a test card."""

    SUCCEEDS = "succeeds"
    CHALLENGES = "challenges"  # 3-D Secure, then success
    DECLINES = "declines"
    ANSWERS_LATE = "answers_late"  # pending, then success
    ANSWERS_TWICE = "answers_twice"  # success, told twice
    NEVER_ANSWERS = "never_answers"  # pending for good
    ANSWER_IS_LOST = "answer_is_lost"  # success, but its answer does not arrive
    REFUSES_REFUNDS = "refuses_refunds"  # success, and no way back


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCard:
    """A card of the sandbox. `name` is what is kept of it; `reason` is shown where it declines."""

    __test__ = False  # for pytest: no test, in spite of its name

    name: str
    number: str
    brand: str
    behaviour: Behaviour
    reason: str | None = None


def _declines(name: str, number: str, reason: str) -> TestCard:
    return TestCard(name=name, number=number, brand="visa", behaviour=Behaviour.DECLINES, reason=reason)


TEST_CARDS: tuple[TestCard, ...] = (
    # Documented by the wire.
    TestCard(name="success", number="4111111111111111", brand="visa", behaviour=Behaviour.SUCCEEDS),
    TestCard(name="3ds-acquirer", number="4111111111111152", brand="visa", behaviour=Behaviour.CHALLENGES),
    TestCard(name="3ds-mpi", number="4423610000000007", brand="visa", behaviour=Behaviour.CHALLENGES),
    # Our own, on numbers that other sandboxes use for the same.
    TestCard(name="mastercard", number="5555555555554444", brand="mastercard", behaviour=Behaviour.SUCCEEDS),
    TestCard(name="amex", number="378282246310005", brand="amex", behaviour=Behaviour.SUCCEEDS),
    _declines("declined", "4000000000000002", "The card was declined."),
    _declines("insufficient-funds", "4000000000009995", "There is not enough money on the card."),
    _declines("lost", "4000000000009987", "The card was reported lost."),
    _declines("stolen", "4000000000009979", "The card was reported stolen."),
    _declines("expired", "4000000000000069", "The card has expired."),
    _declines("wrong-cvv", "4000000000000127", "The security code is wrong."),
    _declines("error", "4000000000000119", "The bank could not process the card. Try again, or use another one."),
    # Our own: a provider that is slow, forgetful or says things twice.
    TestCard(name="late", number="4000000000003006", brand="visa", behaviour=Behaviour.ANSWERS_LATE),
    TestCard(name="twice", number="4000000000003014", brand="visa", behaviour=Behaviour.ANSWERS_TWICE),
    TestCard(name="never", number="4000000000003022", brand="visa", behaviour=Behaviour.NEVER_ANSWERS),
    TestCard(name="lost-answer", number="4000000000003030", brand="visa", behaviour=Behaviour.ANSWER_IS_LOST),
    TestCard(name="no-refund", number="4000000000003048", brand="visa", behaviour=Behaviour.REFUSES_REFUNDS),
)
BY_NUMBER: Mapping[str, TestCard] = {card.number: card for card in TEST_CARDS}
BY_NAME: Mapping[str, TestCard] = {card.name: card for card in TEST_CARDS}
