"""Lets games in browsers call the API from their own sites (CORS). Pages are not opened: they carry sessions."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import Message, Scope, Send

API_PREFIXES = ("/api/", "/web/backpack/")
READABLE = "ETag, Retry-After, Idempotency-Replayed, X-User-Locale-Code, X-User-Country-Code"
# Players prove themselves by tokens that no browser sends of itself, so any site may call.
ANY_ORIGIN = (b"access-control-allow-origin", b"*")
# For browsers alone: they say where a script comes from.
EXPOSED = (b"access-control-expose-headers", READABLE.encode())
OPEN_HEADERS = (ANY_ORIGIN, EXPOSED)
USUAL_HEADERS = b"authorization, content-type, idempotency-key, if-none-match, x-user-country"


def is_open(path: str) -> bool:
    """Whether a path is the API's."""
    return path.startswith(API_PREFIXES)


def opening(send: Send) -> Send:
    """Send answers that a script of any site may read."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *OPEN_HEADERS]
        await send(message)

    return sending


async def answer_preflight(methods: set[str], scope: Scope, send: Send) -> None:
    """Tell a browser what it may send to a path that knows these methods."""
    asked = next(
        (value for name, value in scope["headers"] if name == b"access-control-request-headers"), USUAL_HEADERS
    )
    listed = ", ".join(sorted({*methods, "OPTIONS"})).encode()
    headers = [
        *OPEN_HEADERS,
        (b"allow", listed),
        (b"access-control-allow-methods", listed),
        (b"access-control-allow-headers", asked),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"access-control-request-headers"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def is_from_elsewhere(request: Request, public_url: str) -> bool:
    """Whether a page of another site has sent a form of ours, as browsers say. A proxy may have changed the Host, so
    our public name counts too."""
    origin = request.headers.get("origin")
    if origin is None:
        return False
    try:
        site = urlsplit(origin).netloc
    except ValueError:
        # No browser writes what is no address.
        return True
    return site not in (request.headers.get("host"), urlsplit(public_url).netloc)
