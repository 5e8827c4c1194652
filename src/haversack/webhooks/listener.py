"""A receiver for a developer's machine: verifies what it gets, says so, and answers as it is told."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from haversack.clock import real_now
from haversack.webhooks.signing import Verdict, verify_signatures

BODY_BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Heard:
    """One webhook as it came, and how it was answered. `verdict` None: no secret to verify with."""

    event_id: str
    event_type: str
    timestamp: str
    body: bytes
    verdict: Verdict | None
    is_repeat: bool
    status: int


class Listener:
    """An ASGI application. It answers 204, refuses what is not genuine, and fails as often as it was told."""

    def __init__(
        self,
        tell: Callable[[Heard], None],
        *,
        secret: str | None,
        fail_status: int | None = None,
        fail_count: int | None = None,
    ) -> None:
        """fail_status: answer this instead of 204; fail_count: only so often, None for always."""
        self._tell = tell
        self._secret = secret
        self._fail_status = fail_status
        self._fail_count = fail_count
        self._known: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        request = Request(scope, receive)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                await Response(status_code=413)(scope, receive, send)
                return
        response = self._answer(request, body)
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        verdict = (
            None if self._secret is None else verify_signatures(body, request.headers, self._secret, now=real_now())
        )
        event_id = request.headers.get("webhook-id", "")
        response = self._response(verdict)
        self._tell(
            Heard(
                event_id=event_id,
                event_type=_type_of(body),
                timestamp=request.headers.get("webhook-timestamp", ""),
                body=body,
                verdict=verdict,
                is_repeat=event_id in self._known,
                status=response.status_code,
            )
        )
        self._known.add(event_id)
        return response

    def _response(self, verdict: Verdict | None) -> Response:
        if verdict is not None and not verdict.is_genuine:
            return _error(400, "INVALID_SIGNATURE", verdict.wire or verdict.standard or "")
        if self._fail_status is None or self._fail_count == 0:
            return Response(status_code=204)
        if self._fail_count is not None:
            self._fail_count -= 1
        return _error(self._fail_status, "INVALID_PARAMETER", "haversack webhooks listen was told to fail")


def _error(status: int, code: str, message: str) -> Response:
    body = orjson.dumps({"error": {"code": code, "message": message}})
    return Response(body, status_code=status, media_type="application/json")


def _type_of(body: bytes) -> str:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "not JSON"
    found = parsed.get("notification_type") if isinstance(parsed, dict) else None
    return found if isinstance(found, str) else "without notification_type"
