"""A stand-in for Stripe on 127.0.0.1: its intents, customers and refunds, in the shapes of its own answers."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from haversack.clock import real_now
from haversack.payments.providers.choosing import STRIPE
from haversack.payments.queries.taking import save_provider
from make.projects import Studio
from make.receiver import Answer, Received, Receiver

SECRET_KEY = "sk_test_stand_in"
PUBLISHABLE_KEY = "pk_test_stand_in"
WEBHOOK_SECRET = "whsec_stand_in"

CARD: dict[str, Any] = {
    "id": "pm_1",
    "object": "payment_method",
    "billing_details": {"address": {"country": None}, "email": None, "name": None, "phone": None},
    "card": {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 8,
        "exp_year": 2031,
        "fingerprint": "mToisGZ01V71BCos",
        "funding": "credit",
        "last4": "4242",
        "three_d_secure_usage": {"supported": True},
    },
    "created": 1680000000,
    "customer": None,
    "livemode": False,
    "metadata": {},
    "type": "card",
}


@dataclass(slots=True)
class StripeStandIn:
    """Keeps intents and refunds; a test moves them as players and banks would."""

    receiver: Receiver
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    customers: int = 0
    # What confirming a saved card comes to.
    confirms_to: str = "succeeded"
    refunds_to: str = "succeeded"
    answers: dict[str, tuple[bytes, Answer]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.receiver.port}"

    @property
    def last(self) -> dict[str, Any]:
        """The newest intent."""
        return list(self.intents.values())[-1]

    def requests(self, part: str) -> list[Received]:
        """The requests whose address holds a part."""
        return [each for each in self.receiver.received if part in each.target]

    def pay(self, intent: dict[str, Any] | None = None) -> dict[str, Any]:
        """The player pays an intent in the browser."""
        paid = intent or self.last
        paid |= {"status": "succeeded", "payment_method": deepcopy(CARD), "amount_received": paid["amount"]}
        return paid

    def answer(self, request: Received) -> Answer:
        """As Stripe answers, repeated requests by their Idempotency-Key."""
        key = request.headers.get("idempotency-key", "")
        if request.method == "POST" and key in self.answers:
            body, answer = self.answers[key]
            assert body == request.body, f"{key} is used for another request"
            return answer
        answer = self._answer(request)
        if request.method == "POST" and key:
            self.answers[key] = (request.body, answer)
        return answer

    def _answer(self, request: Received) -> Answer:
        if request.headers.get("authorization") != f"Bearer {SECRET_KEY}":
            return _fault(401, "invalid_request_error", None, "Invalid API Key provided: sk_test_*****")
        parts = urlsplit(request.target)
        values = dict(parse_qsl(request.body.decode()))
        match parts.path.removeprefix("/v1/").split("/"), request.method:
            case ["customers"], "POST":
                self.customers += 1
                return _json({"id": f"cus_{self.customers}", "object": "customer"})
            case ["payment_intents"], "POST":
                return _json(self._add_intent(values))
            case ["payment_intents", intent_id, *step], method:
                return self._intent_step(intent_id, step, method, values)
            case ["refunds"], "POST":
                return self._refund(values)
            case ["refunds"], "GET":
                wanted = dict(parse_qsl(parts.query))["payment_intent"]
                data = [each for each in self.refunds if each["payment_intent"] == wanted]
                return _json({"object": "list", "data": data, "has_more": False, "url": "/v1/refunds"})
        raise AssertionError(f"nobody knows {request.method} {request.target}")

    def _add_intent(self, values: Mapping[str, str]) -> dict[str, Any]:
        number = len(self.intents) + 1
        intent = {
            "id": f"pi_{number}",
            "object": "payment_intent",
            "amount": int(values["amount"]),
            "amount_received": 0,
            "automatic_payment_methods": {"allow_redirects": "never", "enabled": True},
            "capture_method": "automatic_async",
            "client_secret": f"pi_{number}_secret_x",
            "confirmation_method": "automatic",
            "created": 1680800504,
            "currency": values["currency"],
            "customer": values.get("customer"),
            "last_payment_error": None,
            "livemode": False,
            "metadata": {name[9:-1]: value for name, value in values.items() if name.startswith("metadata[")},
            "next_action": None,
            "payment_method": None,
            "payment_method_types": ["card", "link"],
            "receipt_email": values.get("receipt_email"),
            "setup_future_usage": values.get("setup_future_usage"),
            "status": "requires_payment_method",
        }
        self.intents[str(intent["id"])] = intent
        return intent

    def _intent_step(self, intent_id: str, step: list[str], method: str, values: Mapping[str, str]) -> Answer:
        intent = self.intents.get(intent_id)
        if intent is None:
            return _fault(404, "invalid_request_error", "resource_missing", f"No such payment_intent: '{intent_id}'")
        if step == ["cancel"]:
            if intent["status"] in ("succeeded", "canceled", "processing"):
                return _fault(400, "invalid_request_error", "payment_intent_unexpected_state", "It cannot be canceled.")
            intent["status"] = "canceled"
        elif step == ["confirm"]:
            if self.confirms_to == "declined":
                error = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
                intent |= {"last_payment_error": error}
                return _json({"error": error}, 402)
            intent |= {"status": self.confirms_to, "payment_method": {**deepcopy(CARD), "id": values["payment_method"]}}
        elif method == "POST":
            intent |= {"customer": values.get("customer", intent["customer"])}
        return _json(intent)

    def _refund(self, values: Mapping[str, str]) -> Answer:
        intent = self.intents[values["payment_intent"]]
        known = sum(each["amount"] for each in self.refunds if each["payment_intent"] == intent["id"])
        if known + int(values["amount"]) > intent["amount_received"]:
            return _fault(400, "invalid_request_error", "charge_already_refunded", "It has been refunded.")
        refund = {
            "id": f"re_{len(self.refunds) + 1}",
            "object": "refund",
            "amount": int(values["amount"]),
            "currency": intent["currency"],
            "failure_reason": "expired_or_canceled_card" if self.refunds_to == "failed" else None,
            "metadata": {"refund_id": values["metadata[refund_id]"]},
            "payment_intent": intent["id"],
            "reason": values["reason"],
            "status": self.refunds_to,
        }
        self.refunds.append(refund)
        return _json(refund)


def _json(body: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(body), {"Content-Type": "application/json", "Request-Id": "req_1"})


def _fault(status: int, kind: str, code: str | None, message: str) -> Answer:
    return _json({"error": {"type": kind, "code": code, "message": message}}, status)


def event(kind: str, told: Mapping[str, Any]) -> bytes:
    """A snapshot event as Stripe sends it."""
    body = {
        "id": "evt_1",
        "object": "event",
        "api_version": "2025-03-31.basil",
        "created": 1680800504,
        "data": {"object": told},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    return orjson.dumps(body)


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, age_seconds: int = 0) -> dict[str, str]:
    """The header with which Stripe signs an event."""
    moment = int(real_now().timestamp()) - age_seconds
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={mac}", "Content-Type": "application/json"}


@asynccontextmanager
async def serve_stripe(studio: Studio) -> AsyncIterator[StripeStandIn]:
    """What the studio's project takes real money by."""
    async with Receiver() as receiver:
        stand_in = StripeStandIn(receiver)
        receiver.answer_always(stand_in.answer)
        await set_up_stripe(studio, stand_in.base)
        yield stand_in


async def set_up_stripe(studio: Studio, base: str, *, is_enabled: bool = True, **changes: Any) -> None:
    """Let the studio's project take real money by the stand-in."""
    settings = {
        "secret_key": SECRET_KEY,
        "publishable_key": PUBLISHABLE_KEY,
        "webhook_secret": WEBHOOK_SECRET,
        "api_base": base,
        **changes,
    }
    context = studio.context
    await save_provider(
        context.database.session(),
        context.sealer,
        project_id=studio.project_id,
        provider=STRIPE,
        is_enabled=is_enabled,
        settings=settings,
        now=real_now(),
    )
