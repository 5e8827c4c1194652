"""One call to a receiver: signed, sent, and written down with what came back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from haversack.clock import Clock, real_now
from haversack.outbound.client import OutboundClient, OutboundFailure, OutboundReply
from haversack.webhooks.records import Attempt, Endpoint
from haversack.webhooks.rules import Reply, shown
from haversack.webhooks.signing import signed_headers

REPLY_BYTES_MAX = 8192
HEADERS_KEPT_MAX = 40
HEADER_LENGTH_MAX = 500
# What a receiver sets for a browser is no business of ours.
HEADERS_DROPPED = frozenset({"set-cookie", "authorization", "www-authenticate"})


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt as it is kept, and the reply as the rules read it."""

    attempt: Attempt
    reply: Reply


async def send_once(
    outbound: OutboundClient,
    endpoint: Endpoint,
    *,
    body: bytes,
    event_id: str,
    attempt_no: int,
    clock: Clock,
    timeout_seconds: float,
    reply_bytes_max: int = REPLY_BYTES_MAX,
) -> Sent:
    """Send a body to an endpoint. It always returns: no reply is a reply too. Of a longer reply than usual the attempt
    keeps the beginning."""
    sent_at = real_now()
    started_at = clock.now()
    headers = signed_headers(body, endpoint.secrets_at(sent_at), event_id=event_id, now=sent_at)
    answer: OutboundReply | OutboundFailure
    try:
        answer = await outbound.send(
            "POST",
            endpoint.url,
            headers=headers,
            body=body,
            timeout_seconds=timeout_seconds,
            response_bytes_max=reply_bytes_max,
        )
    except OutboundFailure as failure:
        answer = failure
    received_at = real_now()
    # Upwards: a call that took any time at all did not take none.
    duration_ms = math.ceil(max((received_at - sent_at).total_seconds(), 0.0) * 1000)
    return _sent(endpoint.url, headers, answer, attempt_no, started_at, duration_ms, received_at)


def _sent(
    url: str,
    headers: Mapping[str, str],
    answer: OutboundReply | OutboundFailure,
    attempt_no: int,
    started_at: datetime,
    duration_ms: int,
    received_at: datetime,
) -> Sent:
    if isinstance(answer, OutboundFailure):
        reply = Reply(None, {}, b"", received_at, answer.reason)
        is_private, failure, failure_reason = False, answer.kind.value, answer.reason
    else:
        reply = Reply(answer.status, _kept(answer.headers), answer.body, received_at)
        is_private, failure, failure_reason = answer.is_private_target, None, None
    attempt = Attempt(
        attempt_no=attempt_no,
        started_at=started_at,
        duration_ms=duration_ms,
        request_url=url,
        request_headers=headers,
        reply_status=reply.status,
        reply_headers=None if reply.status is None else reply.headers,
        reply_body=None if reply.status is None else reply.body[:REPLY_BYTES_MAX],
        is_private_target=is_private,
        failure=failure,
        failure_reason=failure_reason,
    )
    return Sent(attempt, reply)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a reply, bounded and printable, names in lower case."""
    kept: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        if lowered not in HEADERS_DROPPED and len(kept) < HEADERS_KEPT_MAX:
            kept[shown(lowered, HEADER_LENGTH_MAX)] = shown(value, HEADER_LENGTH_MAX)
    return kept
