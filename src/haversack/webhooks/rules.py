"""What a reply means and when the next attempt is: the retry schedules of both delivery modes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from haversack.projects.records import DeliveryMode
from haversack.webhooks.records import DeliveryState, DeliveryStatus, FailureReason


def _minutes(*gaps: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=gap) for gap in gaps)


# 20 attempts within 12 hours.
ORDER_GAPS = _minutes(5, 5, *[15] * 7, *[60] * 10)
# "Growing gaps, at most 12 retries in 48 h": 12 retries within 47 hours.
PAYMENT_GAPS = _minutes(5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 600, 720)
PAYMENT_TYPES = frozenset({"payment", "refund", "partial_refund"})
NATIVE_GAPS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
# A native gap is lengthened by up to this part of itself, so that many retries do not come as one wave.
JITTER_PART = 0.2
RETRY_AFTER_MAX = timedelta(hours=24)
ENDPOINT_DISABLED_AFTER = timedelta(days=5)

WIRE_SUCCESSES = frozenset({200, 201, 204})
THROTTLING = frozenset({429, 502, 504})
# The refusals of the wire. A wrong signature is none: in native mode a changed secret must not lose events.
REFUSAL_CODES = frozenset({"INVALID_USER", "INVALID_PARAMETER", "INCORRECT_AMOUNT", "INCORRECT_INVOICE"})
MESSAGE_LENGTH_MAX = 500
CODE_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back at `received_at` (real time); `status` None: nothing did, for `failure_reason`.

    Names of headers are in lower case.
    """

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The receiver took it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No further attempt. `disables_endpoint`: nor any other delivery to this endpoint."""

    reason: FailureReason
    code: str | None
    message: str
    disables_endpoint: bool = False


@dataclass(frozen=True, slots=True)
class Retried:
    """Another attempt at this time. `pauses_until`: the receiver wants none of any delivery before."""

    at: datetime
    message: str
    pauses_until: datetime | None = None


Decision = Succeeded | Failed | Retried


def schedule_of(mode: DeliveryMode, event_type: str) -> tuple[timedelta, ...]:
    """The gaps between the attempts of an event; the first attempt is at once."""
    if mode is DeliveryMode.NATIVE:
        return NATIVE_GAPS
    return PAYMENT_GAPS if event_type in PAYMENT_TYPES else ORDER_GAPS


def is_success(mode: DeliveryMode, status: int | None) -> bool:
    """Whether a reply says that the receiver took it."""
    if status is None:
        return False
    return 200 <= status < 300 if mode is DeliveryMode.NATIVE else status in WIRE_SUCCESSES


def is_refusal(mode: DeliveryMode, reply: Reply) -> bool:
    """Whether a reply says no for good.

    On the wire every 4xx does. A native receiver says so with an error body of the wire, so that a player's
    item does not wait for a day while the game has clearly refused it; its other 4xx may be passing faults.
    """
    if reply.status is None or not 400 <= reply.status < 500:
        return False
    return mode is DeliveryMode.XSOLLA or refusal_of(reply.body)[0] in REFUSAL_CODES


def decide(
    mode: DeliveryMode, event_type: str, attempt_no: int, reply: Reply, *, now: datetime, jitter: float
) -> Decision:
    """What follows from a reply to attempt number `attempt_no` (from 1) that began at `now`.

    jitter: a random number from 0 to 1, used in native mode only.
    """
    if is_success(mode, reply.status):
        return Succeeded()
    code, message = explained(reply)
    if is_refusal(mode, reply):
        return Failed(FailureReason.REFUSED, code, message)
    if mode is DeliveryMode.NATIVE and reply.status == 410:
        # An address that is gone now may have taken an earlier attempt.
        reason = FailureReason.REFUSED if attempt_no == 1 else FailureReason.EXHAUSTED
        return Failed(reason, code, message, disables_endpoint=True)
    gaps = schedule_of(mode, event_type)
    if attempt_no > len(gaps):
        return Failed(FailureReason.EXHAUSTED, code, message)
    gap = gaps[attempt_no - 1]
    if mode is DeliveryMode.XSOLLA:
        return Retried(now + gap, message)
    gap *= 1 + JITTER_PART * jitter
    if reply.status not in THROTTLING:
        return Retried(now + gap, message)
    wanted = retry_after(reply.headers, now=reply.received_at)
    pause = wanted if wanted is not None else NATIVE_GAPS[0]
    return Retried(now + max(gap, pause), message, pauses_until=now + pause)


def retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """How long the receiver wants to be left alone: seconds or an HTTP date, at most a day.

    now: real time, which is what a receiver's date means, wherever the project's clock stands.
    """
    written = headers.get("retry-after", "").strip()
    if written.isascii() and written.isdigit() and len(written) <= 9:
        wanted = timedelta(seconds=int(written))
    else:
        try:
            moment = parsedate_to_datetime(written)
        except ValueError:
            return None
        wanted = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - now
    return min(max(wanted, timedelta()), RETRY_AFTER_MAX)


def must_disable_endpoint(mode: DeliveryMode, failing_since: datetime | None, *, now: datetime) -> bool:
    """Whether an endpoint has failed for so long without one success that it is switched off."""
    if mode is DeliveryMode.XSOLLA or failing_since is None:
        return False
    return now - failing_since >= ENDPOINT_DISABLED_AFTER


def state_of(decision: Succeeded | Failed) -> DeliveryState:
    """The final state that a decision leads to."""
    if isinstance(decision, Succeeded):
        return DeliveryState(DeliveryStatus.SUCCEEDED)
    return DeliveryState(DeliveryStatus.FAILED, decision.reason, decision.code, decision.message)


def explained(reply: Reply) -> tuple[str | None, str]:
    """The code and message of an error body, or a sentence made from the status."""
    if reply.status is None:
        return None, reply.failure_reason
    code, message = refusal_of(reply.body)
    return code, message or f"The receiver answered {reply.status}."


def refusal_of(body: bytes) -> tuple[str | None, str]:
    """The code and message of `{"error": {"code": …, "message": …}}`, in any body that a receiver may send."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None, ""
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if not isinstance(error, dict):
        return None, ""
    code, message = error.get("code"), error.get("message")
    return (
        shown(code, CODE_LENGTH_MAX) if isinstance(code, str) and code else None,
        shown(message, MESSAGE_LENGTH_MAX) if isinstance(message, str) else "",
    )


def shown(value: str, length_max: int) -> str:
    """What a stranger wrote, fit for the database and for a page: printable and short."""
    return "".join(letter if letter.isprintable() else " " for letter in value)[:length_max]
