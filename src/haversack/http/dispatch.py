"""The route index: finds an operation by its path in a few steps, however many operations there are.

FastAPI tries its routes one after another, so the last of 300 answers a third as often as the first. Here the path's
segments lead through a tree. FastAPI still binds the parameters and makes the document; it does not route.
"""

from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from haversack.errors import BACKPACK, LOGIN, MERCHANT, PAGE, PAYMENT_PAGE, PAYSTATION, STORE, Family
from haversack.http.area import HotAnswer
from haversack.http.browsers import answer_preflight, is_open, opening
from haversack.http.problems import render
from haversack.http.route import HotEndpoint

# Where a path that leads nowhere belongs, so that its 404 has the envelope its caller can read.
FAMILY_BY_PREFIX = (
    ("/web/backpack", BACKPACK),
    ("/backpack", PAGE),
    ("/docs", PAGE),
    ("/merchant", MERCHANT),
    ("/webhooks", PAYSTATION),
    ("/paystation2/api", PAYSTATION),
    ("/paystation", PAYMENT_PAGE),
    ("/pages/", PAYMENT_PAGE),
    ("/api/oauth2", LOGIN),
    ("/api/login", LOGIN),
    ("/api/token", LOGIN),
    ("/api/server", LOGIN),
    ("/api/users", LOGIN),
    ("/api/attributes", LOGIN),
    ("/api/projects", LOGIN),
)


def family_of(path: str) -> Family:
    """The wire family whose envelope errors at this path get."""
    for prefix, family in FAMILY_BY_PREFIX:
        if path.startswith(prefix):
            return family
    return STORE


@dataclass(slots=True)
class _Node:
    """One step of a path: its fixed continuations, its parameter, what stands here for each method."""

    fixed: "dict[str, _Node]" = field(default_factory=dict)
    parameter: "_Node | None" = None
    names: "dict[str, tuple[tuple[str, ...], ASGIApp]]" = field(default_factory=dict)


class RouteIndex:
    """Paths such as /v2/project/{project_id}/items, each leading to an ASGI endpoint for each method.

    Where a fixed segment and a parameter both fit, the fixed one is tried first.
    """

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, path: str, endpoint: ASGIApp) -> None:
        """Put an endpoint at a path; a second one at the same place is a bug."""
        node, names = self._root, []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.fixed.setdefault(segment, _Node())
        assert method not in node.names, f"{method} {path} is declared twice"
        node.names[method] = (tuple(names), endpoint)

    def find(self, method: str, path: str) -> "Found | set[str]":
        """The path's parameters and its endpoint; or the methods that the path knows (none: no such path)."""
        segments = path.strip("/").split("/")
        methods: set[str] = set()
        pending: list[tuple[_Node, int, tuple[str, ...]]] = [(self._root, 0, ())]
        while pending:
            node, depth, values = pending.pop()
            if depth == len(segments):
                entry = node.names.get(method)
                if entry is not None:
                    return dict(zip(entry[0], values, strict=True)), entry[1]
                methods.update(node.names)
                continue
            segment = segments[depth]
            if node.parameter is not None and segment:
                pending.append((node.parameter, depth + 1, (*values, segment)))
            fixed = node.fixed.get(segment)
            if fixed is not None:
                pending.append((fixed, depth + 1, values))
        return methods


# The path's parameters and its endpoint.
Found = tuple[dict[str, str], ASGIApp]

# Where the scope of a request says what the index has found.
_FOUND = "haversack.found"
ADDRESSES_MAX = 10_000
ADDRESS_BYTES_MAX = 1_000


async def send_hot(answer: HotAnswer, send: Send) -> None:
    """Send an answer from memory."""
    status, headers, body = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Dispatcher:
    """The ASGI application: index first, mounted folders next, then a 404 or 405 in the caller's envelope."""

    def __init__(
        self, app: Any, index: RouteIndex, mounts: dict[str, ASGIApp], sockets: dict[str, ASGIApp] | None = None
    ) -> None:
        self.app = app
        self.index = index
        self.mounts = mounts
        self.sockets = sockets or {}
        # Where addresses lead that were answered from memory, so that not even the index is asked.
        self._hot_found: dict[tuple[str, bytes | None], Found] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # The server's own protocol has looked already.
        answer = None if _FOUND in scope else self.find_hot(scope)
        if answer is not None and not isinstance(answer, tuple):
            answer = await answer
        if answer is None:
            await self.answer_ordinarily(scope, receive, send)
        else:
            await send_hot(answer, send)

    def find_hot(self, scope: Scope) -> HotAnswer | Awaitable[HotAnswer | None] | None:
        """The answer from memory, at once or after a query; None where it has to be given the ordinary way."""
        address = (scope["method"], scope.get("raw_path"))
        scope["app"] = self.app
        known = self._hot_found.get(address)
        found = scope[_FOUND] = known or self._find(address[0], scope["path"], address[1])
        if not isinstance(found, tuple):
            return None
        scope["path_params"], endpoint = found
        if not isinstance(endpoint, HotEndpoint):
            return None
        answer = endpoint.find_answer(scope)
        if known is None and answer is not None:
            self._remember(address, found)
        return answer

    async def answer_ordinarily(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what `find_hot` did not find."""
        path, method, found = scope["path"], scope["method"], scope[_FOUND]
        if isinstance(found, tuple):
            endpoint = found[1]
            if isinstance(endpoint, HotEndpoint):
                endpoint = endpoint.ordinary
            async with AsyncExitStack() as stack:
                scope["fastapi_middleware_astack"] = stack  # FastAPI closes form bodies with it
                await endpoint(scope, receive, opening(send) if is_open(path) else send)
            return
        if method == "OPTIONS" and found and is_open(path):
            await answer_preflight(found, scope, send)
            return
        for prefix, mounted in self.mounts.items():
            if path.startswith(prefix) and method in ("GET", "HEAD"):
                try:
                    await mounted(scope, receive, send)
                except HTTPException:
                    # There is no such file: it is told like any other path that leads nowhere.
                    break
                return
        await self._refuse(found, scope, receive, opening(send) if is_open(path) else send)

    def _find(self, method: str, path: str, raw: bytes | None) -> Found | set[str]:
        # The raw path keeps an encoded slash inside its segment.
        if not raw or b"%2" not in raw:
            return self.index.find(method, path)
        found = self.index.find(method, raw.decode("ascii", "replace"))
        if isinstance(found, tuple):
            return {name: unquote(value) for name, value in found[0].items()}, found[1]
        return found

    def _remember(self, address: tuple[str, bytes | None], found: Found) -> None:
        if len(address[1] or b"") > ADDRESS_BYTES_MAX:
            return
        if len(self._hot_found) >= ADDRESSES_MAX:
            self._hot_found.clear()
        self._hot_found[address] = found

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.sockets.get(scope["path"])
        if endpoint is None:
            # Before it is accepted: the client gets a 403.
            await send({"type": "websocket.close"})
            return
        scope["app"] = self.app
        await endpoint(scope, receive, send)

    async def _refuse(self, methods: set[str], scope: Scope, receive: Receive, send: Send) -> None:
        family = family_of(scope["path"])
        request_id = Request(scope).app.state.context.new_request_id()
        if methods:
            listed = ", ".join(sorted(methods))
            response = render(family, family.method_not_allowed(methods=listed), request_id=request_id)
            response.headers["Allow"] = listed
        else:
            refusal = family.not_found(method=scope["method"], path=scope["path"][:200])
            response = render(family, refusal, request_id=request_id)
        await response(scope, receive, send)
