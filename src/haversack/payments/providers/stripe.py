"""Stripe: PaymentIntents, whose cards are typed in a frame of Stripe's, its signed events, and refunds.

An intent is made without a payment method, so that no money can move before its reference is committed. It is
confirmed in the player's browser by Stripe's script, or by us with a card that was saved. No card number ever reaches
this server.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

import orjson
import stripe

from haversack.money import exponent
from haversack.payments.providers import (
    CardEntry,
    Charge,
    ChargeState,
    KnownCard,
    ProviderAway,
    ProviderRefused,
    RefundAnswer,
    RefundAnswerState,
    Source,
)
from haversack.payments.records import CardDetails, CardFacts, Payment, Refund
from haversack.payments.rules import MethodKind

log = logging.getLogger("haversack.payments")

NAME = "stripe"
# Twice this, with the pause between, ends before a payment counts as left alone (`rules.IN_FLIGHT`).
TIMEOUT_SECONDS = 8
RETRIES_MAX = 1
NUMBERS_ELSEWHERE = "Card numbers are entered in the provider's own form."
DECLINED = "The card was declined."
REFUSED = "The payment provider does not take this payment."
# Stripe's smallest units where they are not those of ISO 4217.
EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}
# A repeat that runs into its first attempt, and too many calls at once.
PASSING_STATUSES = (409, 429)
STATES: Mapping[str, ChargeState] = {
    "requires_payment_method": ChargeState.OPEN,
    "requires_confirmation": ChargeState.OPEN,
    "requires_action": ChargeState.CHALLENGE,
    "processing": ChargeState.PENDING,
    "requires_capture": ChargeState.PENDING,
    "succeeded": ChargeState.SUCCEEDED,
    "canceled": ChargeState.CANCELED,
}
REFUND_REASONS = {4: "fraudulent", 7: "fraudulent", 11: "fraudulent", 12: "fraudulent", 13: "duplicate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """How a project reaches Stripe. api_base: another address than Stripe's, for tests."""

    secret_key: str = field(repr=False)
    publishable_key: str
    webhook_secret: str = field(repr=False)
    api_base: str | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """The settings as they are kept."""
        return cls(**stored)


def units_of(amount: Decimal, currency: str) -> int:
    """An amount in Stripe's smallest unit. Of currencies with three decimals it takes two."""
    decimals = EXPONENTS.get(currency, exponent(currency) or 0)
    units = amount.scaleb(decimals)
    step = 10 if decimals == 3 else 1
    if units != units.to_integral_value() or int(units) % step:
        raise ProviderRefused(REFUSED)
    return int(units)


class Stripe:
    """The provider of projects that have set it up."""

    name = NAME
    entry = CardEntry.PROVIDER
    methods: tuple[MethodKind, ...] = (MethodKind.CARD,)

    def __init__(self, settings: StripeSettings) -> None:
        self._settings = settings

    @property
    def publishable_key(self) -> str | None:
        """What Stripe's script in the browser is told."""
        return self._settings.publishable_key

    def takes(self, amount: Decimal, currency: str) -> bool:
        """Whether a sum can be said in Stripe's units."""
        try:
            units_of(amount, currency)
        except ProviderRefused:
            return False
        return True

    def check_card(self, card: CardDetails, *, now: datetime) -> dict[str, str]:
        """No card that was typed on our page is taken."""
        return {"number": NUMBERS_ELSEWHERE}

    async def create(self, payment: Payment, *, saves_card: bool) -> Charge:
        """Make the intent of a payment. No money moves."""
        params: dict[str, Any] = {
            "amount": units_of(payment.amount, payment.currency),
            "currency": payment.currency.lower(),
            # Cards and the wallets of browsers; nothing that leads away from the page.
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {
                "project_id": str(payment.project_id),
                "payment_id": str(payment.payment_id),
                "order_id": str(payment.order_id or ""),
            },
        }
        if payment.email:
            params["receipt_email"] = payment.email
        async with self._calling() as client:
            if saves_card:
                customer = await client.v1.customers.create_async(
                    {"metadata": {"player_id": str(payment.player_id)}}, _once(payment, "customer")
                )
                params |= {"customer": customer.id, "setup_future_usage": "off_session"}
            return _charge(await client.v1.payment_intents.create_async(params, _once(payment, "create")))  # type: ignore[arg-type]

    async def confirm(self, payment: Payment, source: Source) -> Charge:
        """Charge a saved card. The player is there: a bank that asks is answered in the browser."""
        assert isinstance(source, KnownCard), "other cards are confirmed in the browser"
        assert payment.provider_reference is not None, "an intent is confirmed once its reference is known"
        card = orjson.loads(source.reference)
        async with self._calling() as client:
            await client.v1.payment_intents.update_async(payment.provider_reference, {"customer": card["customer"]})
            try:
                intent = await client.v1.payment_intents.confirm_async(
                    payment.provider_reference,
                    {"payment_method": card["payment_method"], "expand": ["payment_method"]},
                    _once(payment, "confirm"),
                )
            except stripe.CardError as error:
                return Charge(
                    reference=payment.provider_reference,
                    state=ChargeState.DECLINED,
                    reason=error.user_message or DECLINED,
                )
            return _charge(intent)

    async def answer_challenge(self, payment: Payment, challenge_id: str, code: str) -> Charge:
        """Stripe's challenges are answered in the browser: what has become of it."""
        return await self.find(payment)

    async def find(self, payment: Payment) -> Charge:
        """What has become of the intent of a payment."""
        assert payment.provider_reference is not None, "an intent is looked for by its reference"
        async with self._calling() as client:
            try:
                intent = await client.v1.payment_intents.retrieve_async(
                    payment.provider_reference, {"expand": ["payment_method"]}
                )
            except stripe.InvalidRequestError as error:
                if error.code == "resource_missing":
                    return Charge(reference=payment.provider_reference, state=ChargeState.UNKNOWN)
                raise
            return _charge(intent)

    async def cancel(self, payment: Payment) -> Charge:
        """End the intent if it can still be ended; what it is then."""
        assert payment.provider_reference is not None, "an intent is canceled by its reference"
        async with self._calling() as client:
            try:
                return _charge(await client.v1.payment_intents.cancel_async(payment.provider_reference))
            except stripe.InvalidRequestError:
                # It is through already, or on its way.
                return await self.find(payment)

    async def refund(self, payment: Payment, refund: Refund) -> RefundAnswer:
        """Give money back, once for each refund of ours."""
        assert payment.provider_reference is not None, "what was paid has a reference"
        params: Any = {
            "payment_intent": payment.provider_reference,
            "amount": units_of(refund.amount, payment.currency),
            "reason": REFUND_REASONS.get(refund.code, "requested_by_customer"),
            "metadata": {"refund_id": str(refund.refund_id)},
        }
        async with self._calling() as client:
            try:
                given = await client.v1.refunds.create_async(params, _once(payment, f"refund-{refund.refund_id}"))
            except stripe.InvalidRequestError as error:
                known = await self._find_refund(client, payment.provider_reference, refund)
                if known is None:
                    return RefundAnswer(state=RefundAnswerState.REFUSED, reason=error.user_message or str(error.code))
                given = known
        if given.status in ("failed", "canceled"):
            return RefundAnswer(state=RefundAnswerState.REFUSED, reference=given.id, reason=given.failure_reason)
        return RefundAnswer(state=RefundAnswerState.DONE, reference=given.id)

    async def _find_refund(self, client: stripe.StripeClient, intent: str, refund: Refund) -> Any:
        """A refund that was given when its answer was lost, longer ago than Stripe remembers requests."""
        listed = await client.v1.refunds.list_async({"payment_intent": intent, "limit": 100})
        wanted = str(refund.refund_id)
        return next(
            (each for each in listed.data if (each.to_dict().get("metadata") or {}).get("refund_id") == wanted), None
        )

    def event_of(self, body: bytes, signature: str) -> Mapping[str, Any] | None:
        """An event that Stripe has signed for this project; None for one it has not, or that is too old."""
        if not signature.isascii():
            # Its library compares texts, and Python compares only ASCII ones in constant time.
            return None
        try:
            stripe.WebhookSignature.verify_header(body.decode(), signature, self._settings.webhook_secret, 300)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            return None
        event: Mapping[str, Any] = orjson.loads(body)
        return event

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[stripe.StripeClient]:
        """A client for one call or two, and its faults in our words. What Stripe says is for the log: it may name the
        studio's account."""
        http = stripe.AIOHTTPClient(timeout=TIMEOUT_SECONDS)
        bases: Any = {"api": self._settings.api_base} if self._settings.api_base else {}
        client = stripe.StripeClient(
            self._settings.secret_key, base_addresses=bases, http_client=http, max_network_retries=RETRIES_MAX
        )
        try:
            yield client
        except (stripe.APIConnectionError, stripe.RateLimitError) as error:
            raise ProviderAway(f"Stripe does not answer: {type(error).__name__}") from error
        except stripe.CardError as error:
            raise ProviderRefused(error.user_message or DECLINED) from error
        except stripe.StripeError as error:
            status = error.http_status or 500
            if status >= 500 or status in PASSING_STATUSES:
                raise ProviderAway(f"Stripe answers {error.http_status}") from error
            log.error("Stripe refuses: %s %s, request %s", type(error).__name__, error.code, error.request_id)
            raise ProviderRefused(REFUSED) from error
        finally:
            await http.close_async()  # type: ignore[no-untyped-call]


def _once(payment: Payment, step: str) -> Any:
    """Under this key Stripe does a step of a payment once. The token's hash is in it: numbers of payments begin anew
    with a new database, accounts with Stripe do not."""
    token = (payment.token_hash or b"").hex()[:24]
    return {"idempotency_key": f"haversack-{token}-{payment.project_id}-{payment.payment_id}-{step}"}


def _charge(found: stripe.PaymentIntent) -> Charge:
    intent = found.to_dict()
    state = STATES.get(intent["status"], ChargeState.PENDING)
    error = intent.get("last_payment_error")
    method = intent.get("payment_method")
    facts = reference = None
    if isinstance(method, Mapping) and method.get("card"):
        card = method["card"]
        facts = CardFacts(
            brand=card["brand"], suffix=card["last4"], expiry_month=card["exp_month"], expiry_year=card["exp_year"]
        )
        if intent.get("setup_future_usage") and intent.get("customer"):
            reference = orjson.dumps({"customer": intent["customer"], "payment_method": method["id"]}).decode()
    is_waiting = state in (ChargeState.OPEN, ChargeState.CHALLENGE)
    return Charge(
        reference=intent["id"],
        state=state,
        reason=error.get("message") if isinstance(error, Mapping) else None,
        card=facts,
        client_secret=intent.get("client_secret") if is_waiting else None,
        saved_reference=reference,
    )
