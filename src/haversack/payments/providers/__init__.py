"""Payment providers: who moves money, behind one small interface.

A payment goes through two calls, so that a process may die between any two steps and nothing is lost: `create` makes a
charge at the provider and moves no money; its reference is committed; `confirm` moves the money. Whatever becomes of
us, `find` tells what became of the charge.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from haversack.payments.records import CardDetails, CardFacts, Payment, Refund
from haversack.payments.rules import MethodKind


class ProviderAway(Exception):
    """The provider gave no answer. Whether it acted is not known: `find` will tell."""


class ProviderRefused(Exception):
    """The provider does not work with us: wrong keys, or something we ask for that it has not. Nothing was moved."""


class ChargeState(StrEnum):
    """Where a charge stands at its provider."""

    OPEN = "open"  # made, and not confirmed
    CHALLENGE = "challenge"  # the player has to prove something
    PENDING = "pending"  # the provider does not know yet
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELED = "canceled"
    UNKNOWN = "unknown"  # the provider has no such charge


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a provider says of a charge.

    reason: why it was declined, fit to be shown. challenge_id: of a challenge that our page shows. client_secret: for a
    charge that is confirmed in the player's browser. saved_reference: how the card can be paid with again, where the
    player wants that. told_times: how often the provider says so; a sandbox may repeat itself, as real ones do.
    """

    reference: str
    state: ChargeState
    reason: str | None = None
    card: CardFacts | None = None
    challenge_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    saved_reference: str | None = field(default=None, repr=False)
    told_times: int = 1


class RefundAnswerState(StrEnum):
    """What a provider says of a refund."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAnswer:
    """A refund as the provider sees it. reason: why it was refused, fit to be shown."""

    state: RefundAnswerState
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card that was typed on our page."""

    details: CardDetails


@dataclass(frozen=True, slots=True)
class KnownCard:
    """A card that was saved: the provider's name for it."""

    reference: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wallet:
    """An account with somebody who pays: PayPal, Google Pay, Apple Pay."""

    kind: MethodKind


Source = NewCard | KnownCard | Wallet


class CardEntry(StrEnum):
    """Where card numbers are typed."""

    OUR_PAGE = "our_page"  # test cards alone: no real number may reach us
    PROVIDER = "provider"  # in a frame of the provider's


class Provider(Protocol):
    """What a project takes money by. None of its calls may be made inside a transaction; all may raise ProviderAway
    and ProviderRefused, and all may be repeated: a payment has one charge, a refund is given once."""

    @property
    def name(self) -> str:
        """As it stands in `payments.provider`."""
        ...

    @property
    def entry(self) -> CardEntry:
        """Where its card numbers are typed."""
        ...

    @property
    def methods(self) -> tuple[MethodKind, ...]:
        """Ways to pay that it knows."""
        ...

    @property
    def publishable_key(self) -> str | None:
        """What the provider's script in the browser is told; None where it has none."""
        ...

    def takes(self, amount: Decimal, currency: str) -> bool:
        """Whether it can take a sum at all."""
        ...

    def check_card(self, card: CardDetails, *, now: datetime) -> dict[str, str]:
        """Why a typed card is not taken at all: sentences by field (`number`, `expiry`)."""
        ...

    async def create(self, payment: Payment, *, saves_card: bool) -> Charge:
        """Make the charge of a payment, and remember whether its card is to be saved. No money moves."""
        ...

    async def confirm(self, payment: Payment, source: Source) -> Charge:
        """Let the money move."""
        ...

    async def answer_challenge(self, payment: Payment, challenge_id: str, code: str) -> Charge:
        """Go on with what the player has proved."""
        ...

    async def find(self, payment: Payment) -> Charge:
        """What has become of the charge of a payment."""
        ...

    async def cancel(self, payment: Payment) -> Charge:
        """End the charge if it can still be ended; what it is then."""
        ...

    async def refund(self, payment: Payment, refund: Refund) -> RefundAnswer:
        """Give money back."""
        ...
