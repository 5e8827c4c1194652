"""What the inspector advises: one table of what happened and the words that must come."""

from datetime import UTC, datetime

import pytest

from haversack.webhooks.hints import hints_of
from haversack.webhooks.records import (
    AT_ONCE,
    Attempt,
    DeliveryRow,
    DeliveryStatus,
    FailureReason,
    Inspected,
    Purpose,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def attempt(status: int | None, body: bytes = b"", *, failure: str | None = None, duration_ms: int = 12) -> Attempt:
    return Attempt(1, NOW, duration_ms, "https://example.com", {}, status, {}, body, False, failure, None)


def delivery(
    *attempts: Attempt, status: DeliveryStatus = DeliveryStatus.PENDING, reason: FailureReason | None = None
) -> Inspected:
    row = DeliveryRow(
        project_id=1,
        delivery_id=2,
        event_id="evt_1",
        event_type="order_paid",
        purpose=Purpose.STORE,
        player_key="player",
        reference=None,
        status=status,
        reason=reason,
        code=None,
        message="",
        attempts_made=len(attempts),
        next_attempt_at=AT_ONCE,
        after_delivery_id=1,
        replay_of=None,
        created_at=NOW,
        settled_at=None if status is DeliveryStatus.PENDING else NOW,
    )
    return Inspected(row, b"{}", attempts)


FAILED = DeliveryStatus.FAILED


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (delivery(*[attempt(500, b"x")] * 3), "This looks permanent"),
        (delivery(attempt(302)), "Redirects are not followed"),
        (delivery(attempt(202)), "only 200, 201 and 204"),
        (delivery(attempt(None, failure="timeout")), "no complete reply in time"),
        (delivery(attempt(None, failure="refused")), "must not call"),
        (delivery(attempt(None, failure="unreachable")), "Is it running"),
        (delivery(attempt(None, failure="invalid_reply")), "did not answer in HTTP"),
        (delivery(attempt(500, duration_ms=3001)), "more than 3 s"),
        (
            delivery(
                attempt(400, b'{"error":{"code":"INVALID_SIGNATURE"}}'), status=FAILED, reason=FailureReason.REFUSED
            ),
            "`haversack webhooks secret`",
        ),
        (delivery(attempt(401), status=FAILED, reason=FailureReason.REFUSED), "does not accept the sender"),
        (delivery(attempt(404), status=FAILED, reason=FailureReason.REFUSED), "nothing at this address"),
        (delivery(status=FAILED, reason=FailureReason.NO_ENDPOINT), "no webhook address"),
        (delivery(status=FAILED, reason=FailureReason.ENDPOINT_DISABLED), "switched off"),
        (
            delivery(status=DeliveryStatus.CANCELLED, reason=FailureReason.PREDECESSOR_FAILED),
            "It waited for delivery 1",
        ),
    ],
)
def test_hints(found: Inspected, words: str) -> None:
    assert any(words in hint for hint in hints_of(found))


@pytest.mark.parametrize(
    "found",
    [
        delivery(),
        delivery(attempt(204), status=DeliveryStatus.SUCCEEDED),
        delivery(attempt(500, b"a"), attempt(500, b"b"), attempt(500, b"c")),
        delivery(attempt(500), attempt(500)),
        delivery(attempt(404, b'{"error":{"code":"INVALID_USER"}}'), status=FAILED, reason=FailureReason.REFUSED),
    ],
)
def test_nothing_is_advised_where_nothing_is_known(found: Inspected) -> None:
    assert hints_of(found) == []
