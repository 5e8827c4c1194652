"""The HTTP client for URLs given by others: it connects only to IP addresses that passed the policy."""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from haversack.outbound.addresses import (
    AddressKind,
    AddressPolicy,
    AddressRefused,
    check_address,
    check_url,
    classify_address,
)

# Resolves a host name to the texts of its IP addresses; OSError when there are none.
Lookup = Callable[[str], Awaitable[Sequence[str]]]

# Many servers drop an idle connection after five seconds, and a POST that meets the drop cannot be repeated
# blindly.
_IDLE_CONNECTION_SECONDS = 4.0
_NAME_KEPT_SECONDS = 10
# A lookup of a dead name holds its thread for seconds and cannot be cancelled, so lookups have threads of
# their own.
_LOOKUP_THREADS = 32


class FailureKind(StrEnum):
    """Why a call brought no reply."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    INVALID_REPLY = "invalid_reply"


class OutboundFailure(Exception):
    """A call that brought no HTTP reply; `reason` is a sentence fit to be shown to the owner of the URL.

    timeout: no complete reply in time. refused: our own policy forbids the address and nothing was sent.
    unreachable: no name, connection or trusted certificate, or the connection broke. invalid_reply: the other
    side closed without an answer or did not speak HTTP. After anything but `refused` the other side may have
    acted on the call.
    """

    def __init__(self, reason: str, kind: FailureKind) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


@dataclass(frozen=True, slots=True)
class OutboundReply:
    """An HTTP reply of any status; redirects are replies like any other.

    headers: names in any case. body: as it came over the wire, never decompressed.
    is_cut: the body was longer than asked for, and the rest was dropped.
    is_private_target: the peer was on this machine or in a private network, so the body must not be shown to
        anyone but the operator.
    duration_seconds: from the call to the last byte read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool
    is_private_target: bool
    duration_seconds: float


class CheckedResolver(AbstractResolver):
    """Resolves names to IP addresses that all passed the policy; one bad address refuses the name."""

    def __init__(self, policy: AddressPolicy, lookup: Lookup) -> None:
        self._policy = policy
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name, pinned as numbers.

        Raises `AddressRefused` when any of them is refused: a name that mixes good and bad addresses is an
        attack or a mistake, and either way the good one must not be picked. OSError when there is none.
        """
        texts = await self._lookup(host)
        if not texts:
            raise OSError("the name has no address")
        addresses = [ip_address(text) for text in texts]
        for address in addresses:
            check_address(address, self._policy)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing to release: the threads of the lookup belong to the client."""


class _SystemLookup:
    """Name lookups through the operating system, on threads of their own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="name-lookup")

    async def __call__(self, host: str) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, self._find, host)
        return list(dict.fromkeys(found))

    @staticmethod
    def _find(host: str) -> list[str]:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [str(entry[4][0]) for entry in entries]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class _SocketRefused(PermissionError):
    """An address refused at the last moment; an OSError, as only those come through the race of addresses."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)
        self.reason = reason


class _Response(aiohttp.ClientResponse):
    """A response that remembers who really sent it: a pooled connection may be gone once the body is read."""

    peer: str | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        if connection.transport is not None:
            peername = connection.transport.get_extra_info("peername")
            self.peer = str(peername[0]) if peername else None
        return await super().start(connection)

    @property
    def is_private(self) -> bool:
        """Tell whether the peer is not known to be public."""
        return self.peer is None or classify_address(ip_address(self.peer)) is not AddressKind.PUBLIC


class OutboundClient:
    """Sends single requests under one address policy; connections are kept and shared between calls.

    No redirects, no proxies from the environment, no cookies, no decompression. To be made inside a running
    event loop and closed in it.

    connections_max: open connections in all, 0 for no limit. Waiting for one counts as time of the call, so a
        limit lets slow hosts delay others: whoever limits the number of parallel calls needs none here.
    connections_per_host_max: the same for one host and port.
    lookup: replaces the system's name lookup. ssl_context: replaces the system's trusted certificates.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        connections_max: int = 0,
        connections_per_host_max: int = 32,
        user_agent: str = "Haversack",
        lookup: Lookup | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._system_lookup: _SystemLookup | None = None
        if lookup is None:
            lookup = self._system_lookup = _SystemLookup()
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(policy, lookup),
            socket_factory=self._open_socket,
            ssl=ssl_context or True,
            ttl_dns_cache=_NAME_KEPT_SECONDS,
            limit=connections_max,
            limit_per_host=connections_per_host_max,
            keepalive_timeout=_IDLE_CONNECTION_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            response_class=_Response,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection; calls under way fail."""
        await self._session.close()
        if self._system_lookup is not None:
            self._system_lookup.close()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout_seconds: float,
        response_bytes_max: int,
    ) -> OutboundReply:
        """Send one request and read the reply; raise `OutboundFailure` when there is none in time.

        timeout_seconds bounds everything from the name lookup to the last byte. A body beyond
        response_bytes_max is cut there and its connection dropped.
        """
        started = time.monotonic()
        try:
            target = check_url(url, self._policy)
            async with (
                asyncio.timeout(timeout_seconds),
                self._session.request(
                    method, target.url, headers=headers, data=body or None, allow_redirects=False
                ) as response,
            ):
                received, is_cut = await _read_body(response, response_bytes_max)
        except (AddressRefused, OSError, aiohttp.ClientError) as error:
            raise _failure(error) from error
        return OutboundReply(
            status=response.status,
            headers=response.headers,
            body=received,
            is_cut=is_cut,
            is_private_target=not isinstance(response, _Response) or response.is_private,
            duration_seconds=time.monotonic() - started,
        )

    def _open_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        """Open the socket of a connection after a last look at its address: every connection passes here.

        aiohttp asks no resolver for hosts written as IP addresses; those are checked with the URL and here.
        """
        family, kind, protocol, _, target = address_info
        try:
            check_address(ip_address(target[0]), self._policy)
        except AddressRefused as refusal:
            raise _SocketRefused(refusal.reason) from refusal
        return socket.socket(family, kind, protocol)


async def _read_body(response: aiohttp.ClientResponse, bytes_max: int) -> tuple[bytes, bool]:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > bytes_max:
            response.close()
            return b"".join(chunks)[:bytes_max], True
    return b"".join(chunks), False


# Read from top to bottom: the first fitting class decides. The errors' own texts hold IP addresses and are
# not repeated.
_FAILURES: tuple[tuple[type[BaseException], FailureKind, str], ...] = (
    (TimeoutError, FailureKind.TIMEOUT, "No complete reply came in time."),
    (aiohttp.InvalidURL, FailureKind.REFUSED, "The URL cannot be called."),
    (aiohttp.ClientConnectorDNSError, FailureKind.UNREACHABLE, "The host name could not be resolved."),
    (
        aiohttp.ClientConnectorCertificateError,
        FailureKind.UNREACHABLE,
        "The host's certificate is not trusted or belongs to another name.",
    ),
    (aiohttp.ClientSSLError, FailureKind.UNREACHABLE, "No TLS connection could be agreed with the host."),
    (aiohttp.ClientConnectorError, FailureKind.UNREACHABLE, "The host accepted no connection."),
    (
        aiohttp.ServerDisconnectedError,
        FailureKind.INVALID_REPLY,
        "The host closed the connection without a reply.",
    ),
    (aiohttp.ClientPayloadError, FailureKind.INVALID_REPLY, "The reply ended before it was complete."),
    (OSError, FailureKind.UNREACHABLE, "The connection to the host broke."),
    (aiohttp.ClientError, FailureKind.INVALID_REPLY, "The reply is not valid HTTP."),
)


def _failure(error: BaseException) -> OutboundFailure:
    if isinstance(error, AddressRefused):
        return OutboundFailure(error.reason, FailureKind.REFUSED)
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _SocketRefused):
        return OutboundFailure(error.os_error.reason, FailureKind.REFUSED)
    for error_class, kind, reason in _FAILURES:
        if isinstance(error, error_class):
            return OutboundFailure(reason, kind)
    raise AssertionError(f"no failure kind for {type(error).__name__}")
