"""What the attempts of a delivery tell about its receiver, in words for whoever runs it."""

from collections.abc import Callable

from haversack.webhooks.records import Attempt, DeliveryStatus, FailureReason, Inspected
from haversack.webhooks.rules import refusal_of

# "Recommended processing time < 3 s" of the documents.
SLOW_MS = 3000
SAME_FAULT_COUNT = 3


def hints_of(found: Inspected) -> list[str]:
    """Advice on a delivery, most telling first; none where all is well."""
    hints = [hint for hint in (_of_reason(found), _of_repetition(found.attempts)) if hint is not None]
    if found.attempts and found.row.status is not DeliveryStatus.SUCCEEDED:
        hints += [sentence for applies, sentence in _LAST if applies(found.attempts[-1])]
    if any(attempt.duration_ms > SLOW_MS for attempt in found.attempts):
        hints.append(
            "The receiver took more than 3 s. Keep the event, answer, work on it afterwards: in Xsolla mode nothing "
            "else of the project is sent meanwhile."
        )
    return hints


def _of_reason(found: Inspected) -> str | None:
    if found.row.reason is FailureReason.NO_ENDPOINT:
        return "The project had no webhook address. Set one, then replay this delivery."
    if found.row.reason is FailureReason.ENDPOINT_DISABLED:
        return "The project's webhook was switched off. Switch it on by saving it again, then replay this delivery."
    if found.row.reason is FailureReason.PREDECESSOR_FAILED:
        return f"It waited for delivery {found.row.after_delivery_id}, which has failed. Replay that one, then this."
    return None


def _of_repetition(attempts: tuple[Attempt, ...]) -> str | None:
    """A receiver that fails in the same way each time has probably a fault that waiting does not cure."""
    last = attempts[-SAME_FAULT_COUNT:]
    statuses = {attempt.reply_status for attempt in last}
    bodies = {attempt.reply_body for attempt in last}
    [status] = statuses if len(statuses) == 1 else (None,)
    if len(last) < SAME_FAULT_COUNT or status is None or status < 500 or len(bodies) > 1:
        return None
    return (
        f"This looks permanent: the receiver answered {status} in the same way {len(attempts)} times. If the event can "
        "never be taken, return 400; a 5xx is tried again for hours and holds up what comes behind it."
    )


def _is_status(*statuses: int) -> Callable[[Attempt], bool]:
    return lambda attempt: attempt.reply_status in statuses


def _is_redirect(attempt: Attempt) -> bool:
    return attempt.reply_status is not None and 300 <= attempt.reply_status < 400


def _is_other_success(attempt: Attempt) -> bool:
    return attempt.reply_status is not None and 200 <= attempt.reply_status < 300


def _has_code(code: str) -> Callable[[Attempt], bool]:
    return lambda attempt: refusal_of(attempt.reply_body or b"")[0] == code


def _has_failure(failure: str) -> Callable[[Attempt], bool]:
    return lambda attempt: attempt.failure == failure


def _is_bare_404(attempt: Attempt) -> bool:
    return attempt.reply_status == 404 and refusal_of(attempt.reply_body or b"")[0] is None


_LAST: tuple[tuple[Callable[[Attempt], bool], str], ...] = (
    (
        _has_code("INVALID_SIGNATURE"),
        "The receiver finds the signature wrong. It must take the very bytes of the body, and the secret that "
        "`haversack webhooks secret` shows.",
    ),
    (
        _is_status(401, 403),
        "The receiver does not accept the sender. Look at its secret and its list of addresses.",
    ),
    (_is_bare_404, "There may be nothing at this address. Look at the path of the URL."),
    (_is_redirect, "Redirects are not followed. Save the address that it redirects to."),
    (_is_other_success, "In Xsolla mode only 200, 201 and 204 mean success."),
    (_has_failure("timeout"), "The receiver gave no complete reply in time. Answer first, work afterwards."),
    (_has_failure("refused"), "Nothing was sent: the address is one that this server must not call."),
    (
        _has_failure("unreachable"),
        "The receiver could not be reached. Is it running, and is its certificate valid?",
    ),
    (_has_failure("invalid_reply"), "The receiver closed the connection or did not answer in HTTP."),
)
