"""What comes of an attempt to pay."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from haversack.payments.providers import Charge, ChargeState, Provider
from haversack.payments.providers.test_cards import CHALLENGE_CODE
from haversack.payments.records import CardFacts, Payment, PaymentState

NOT_PAID = "The payment did not go through. Try again, or use another card."
WENT_BACK = "The money went back to you."


@dataclass(frozen=True, slots=True)
class Done:
    """Money has come in, and what was bought is given."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class ThreeDSecure:
    """The player has to enter a code, on a page of ours (the sandbox's). code: what to pre-fill the field with. card:
    whose bank asks, which the payment itself does not know yet."""

    payment: Payment
    challenge_id: str
    code: str
    card: CardFacts | None


@dataclass(frozen=True, slots=True)
class InBrowser:
    """The player pays in the provider's frame, by its script, publishable key and this secret. Then: `refresh`."""

    payment: Payment
    publishable_key: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """Nothing came in, or it goes back; the player may try again with something else."""

    payment: Payment
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No payment began: the game does not know the player, or there is nothing to pay any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider does not know yet, or another request works on it. `refresh` tells more, from time to time."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class Faulty:
    """The card form has faults: sentences by field (`number`, `expiry`)."""

    faults: Mapping[str, str]


Outcome = Done | ThreeDSecure | InBrowser | Declined | Refused | Pending | Faulty


def outcome_of(payment: Payment) -> Outcome:
    """What a payment's state says by itself."""
    match payment.state:
        case PaymentState.DONE | PaymentState.PARTIALLY_REFUNDED:
            # Money that came in for what cannot be given any more is about to go back.
            return Declined(payment, payment.failure) if payment.failure else Done(payment)
        case PaymentState.CREATED | PaymentState.PROCESSING:
            return Pending(payment)
        case PaymentState.REFUNDED:
            return Declined(payment, payment.failure or WENT_BACK)
        case PaymentState.FAILED | PaymentState.CANCELED:
            return Declined(payment, payment.failure or NOT_PAID)


def outcome_of_charge(payment: Payment, charge: Charge, provider: Provider) -> Outcome:
    """What the player has to do next, or what the payment's state says."""
    if payment.state is PaymentState.PROCESSING:
        if charge.state is ChargeState.CHALLENGE and charge.challenge_id is not None:
            return ThreeDSecure(payment, charge.challenge_id, CHALLENGE_CODE, charge.card)
        if charge.client_secret is not None and provider.publishable_key is not None:
            return InBrowser(payment, provider.publishable_key, charge.client_secret)
    return outcome_of(payment)
