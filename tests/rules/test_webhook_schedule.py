"""What follows from each reply, in both delivery modes: tables of cases, and the schedules as sums."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.projects.records import DeliveryMode
from haversack.webhooks.records import FailureReason
from haversack.webhooks.rules import (
    ENDPOINT_DISABLED_AFTER,
    JITTER_PART,
    NATIVE_GAPS,
    ORDER_GAPS,
    PAYMENT_GAPS,
    RETRY_AFTER_MAX,
    Failed,
    Reply,
    Retried,
    Succeeded,
    decide,
    must_disable_endpoint,
    refusal_of,
    retry_after,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
# The machine's clock stands elsewhere than the project's.
REAL = datetime(2025, 6, 1, tzinfo=UTC)
XSOLLA, NATIVE = DeliveryMode.XSOLLA, DeliveryMode.NATIVE


def reply(status: int | None, body: bytes = b"", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, body, REAL, "No complete reply came in time." if status is None else "")


def decided(mode: DeliveryMode, status: int | None, *, attempt_no: int = 1, event: str = "order_paid", **more: str):
    return decide(mode, event, attempt_no, reply(status, **more), now=NOW, jitter=0.5)


def test_the_order_schedule_is_2_5_7_15_10_60_within_12_hours() -> None:
    minutes = [gap / timedelta(minutes=1) for gap in ORDER_GAPS]
    assert minutes == [5] * 2 + [15] * 7 + [60] * 10
    assert sum(ORDER_GAPS, timedelta()) <= timedelta(hours=12)


def test_the_payment_schedule_has_12_growing_gaps_within_48_hours() -> None:
    assert len(PAYMENT_GAPS) == 12
    assert list(PAYMENT_GAPS) == sorted(set(PAYMENT_GAPS))
    assert sum(PAYMENT_GAPS, timedelta()) <= timedelta(hours=48)


@pytest.mark.parametrize(
    ("event", "gaps"),
    [
        ("order_paid", ORDER_GAPS),
        ("order_canceled", ORDER_GAPS),
        ("move_to_game", ORDER_GAPS),
        ("payment", PAYMENT_GAPS),
        ("refund", PAYMENT_GAPS),
        ("partial_refund", PAYMENT_GAPS),
    ],
)
def test_each_event_is_tried_to_the_end_of_its_schedule(event: str, gaps: tuple[timedelta, ...]) -> None:
    for number, gap in enumerate(gaps, start=1):
        assert decided(XSOLLA, 503, attempt_no=number, event=event) == Retried(NOW + gap, "The receiver answered 503.")
    last = decided(XSOLLA, 503, attempt_no=len(gaps) + 1, event=event)
    assert last == Failed(FailureReason.EXHAUSTED, None, "The receiver answered 503.")


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_on_the_wire(status: int) -> None:
    found = decided(XSOLLA, status)
    if status in (200, 201, 204):
        assert found == Succeeded()
    elif 400 <= status < 500:
        assert isinstance(found, Failed) and found.reason is FailureReason.REFUSED and not found.disables_endpoint
    else:
        assert isinstance(found, Retried) and found.at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_in_native_mode(status: int) -> None:
    found = decided(NATIVE, status)
    if 200 <= status < 300:
        assert found == Succeeded()
    elif status == 410:
        assert isinstance(found, Failed) and found.disables_endpoint
    else:
        assert isinstance(found, Retried)
        assert found.at == NOW + NATIVE_GAPS[0] * (1 + JITTER_PART * 0.5)
        assert (found.pauses_until is not None) is (status in (429, 502, 504))


def test_silence_is_tried_again() -> None:
    for mode in DeliveryMode:
        found = decided(mode, None)
        assert isinstance(found, Retried) and found.message == "No complete reply came in time."


@pytest.mark.parametrize("attempt_no", range(1, 9))
def test_native_gaps(attempt_no: int) -> None:
    found = decided(NATIVE, 500, attempt_no=attempt_no)
    if attempt_no == 8:
        assert isinstance(found, Failed) and found.reason is FailureReason.EXHAUSTED
    else:
        assert isinstance(found, Retried) and found.at == NOW + NATIVE_GAPS[attempt_no - 1] * 1.1


@given(st.floats(0, 1), st.integers(1, 7))
def test_jitter_only_lengthens_and_by_little(jitter: float, attempt_no: int) -> None:
    found = decide(NATIVE, "order_paid", attempt_no, reply(500), now=NOW, jitter=jitter)
    gap = NATIVE_GAPS[attempt_no - 1]
    assert isinstance(found, Retried)
    assert gap <= found.at - NOW <= gap * (1 + JITTER_PART)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("0", timedelta()),
        ("120", timedelta(seconds=120)),
        ("999999999", RETRY_AFTER_MAX),
        ("9999999999999999999999", None),
        ("Sun, 01 Jun 2025 00:02:00 GMT", timedelta(minutes=2)),
        ("Sun, 01 Jun 2025 00:02:00", timedelta(minutes=2)),
        ("Sat, 31 May 2025 00:00:00 GMT", timedelta()),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("\u0661\u0662", None),
    ],
)
def test_retry_after(written: str, wanted: timedelta | None) -> None:
    assert retry_after({"retry-after": written}, now=REAL) == wanted


def test_retry_after_lengthens_the_gap_and_pauses_the_endpoint() -> None:
    found = decided(NATIVE, 429, retry_after="600")
    assert found == Retried(NOW + timedelta(minutes=10), "The receiver answered 429.", NOW + timedelta(minutes=10))
    short = decided(NATIVE, 429, attempt_no=4, retry_after="1")
    assert isinstance(short, Retried) and short.at == NOW + timedelta(hours=2) * 1.1
    assert short.pauses_until == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"error":{"code":"INVALID_USER","message":"no such player"}}', "INVALID_USER", "no such player"),
        (b'{"error":{"code":"INVALID_USER"}}', "INVALID_USER", ""),
        (b'{"error":{"code":7,"message":["x"]}}', None, ""),
        (b'{"error":"INVALID_USER"}', None, ""),
        (b"[]", None, ""),
        (b"", None, ""),
        (b"<html>", None, ""),
        (b"\xff\xfe", None, ""),
        (b"[" * 5000, None, ""),
        (b'{"error":{"code":"A\\u0000\\ud800","message":"a\\nb"}}', "A  ", "a b"),
    ],
)
def test_error_bodies(body: bytes, code: str | None, message: str) -> None:
    assert refusal_of(body) == (code, message)


@given(st.binary(max_size=200))
def test_any_body_can_be_read(body: bytes) -> None:
    code, message = refusal_of(body)
    (f"{code}{message}").encode()


@pytest.mark.parametrize(
    ("mode", "since", "wanted"),
    [
        (NATIVE, None, False),
        (NATIVE, NOW - ENDPOINT_DISABLED_AFTER + timedelta(seconds=1), False),
        (NATIVE, NOW - ENDPOINT_DISABLED_AFTER, True),
        (XSOLLA, NOW - timedelta(days=100), False),
    ],
)
def test_when_an_endpoint_is_switched_off(mode: DeliveryMode, since: datetime | None, wanted: bool) -> None:
    assert must_disable_endpoint(mode, since, now=NOW) is wanted
