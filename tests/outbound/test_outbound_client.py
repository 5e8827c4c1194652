"""The outgoing client against real local servers: what it refuses, bounds and reports (R10, R21)."""

import asyncio
import contextlib
import datetime
import gzip
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from haversack.outbound import client as client_module
from haversack.outbound.addresses import (
    DEVELOPMENT_POLICY,
    PRODUCTION_POLICY,
    AddressKind,
    AddressPolicy,
    AddressRefused,
)
from haversack.outbound.client import (
    CheckedResolver,
    FailureKind,
    OutboundClient,
    OutboundFailure,
    OutboundReply,
)

# What the fixtures of this folder give: both start a local server and return its port.
Serve = Callable[..., Awaitable[int]]
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SpeakRaw = Callable[[Speak], Awaitable[int]]


class Names:
    """A name service that answers from a script: each lookup takes the next list, the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return answer


@pytest.fixture
async def client() -> AsyncIterator[OutboundClient]:
    async with OutboundClient(DEVELOPMENT_POLICY) as made:
        yield made


async def post(
    client: OutboundClient,
    url: str,
    *,
    method: str = "POST",
    timeout_seconds: float = 5,
    response_bytes_max: int = 1000,
) -> OutboundReply:
    return await client.send(
        method,
        url,
        headers={"Content-Type": "application/json"},
        body=b'{"a":1}',
        timeout_seconds=timeout_seconds,
        response_bytes_max=response_bytes_max,
    )


async def failure_of(call: Awaitable[OutboundReply]) -> OutboundFailure:
    with pytest.raises(OutboundFailure) as caught:
        await call
    assert caught.value.reason.endswith(".")
    assert "127.0.0.1" not in caught.value.reason
    return caught.value


async def answer_ok(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def test_request_and_reply_travel_whole(client: OutboundClient, serve: Serve) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(status=201, body=await request.read(), headers={"X-Answer": "yes"})

    port = await serve(handler)
    reply = await post(client, f"http://127.0.0.1:{port}/hook%20a?b=%2Fc#part")
    assert (reply.status, reply.body, reply.is_cut) == (201, b'{"a":1}', False)
    assert reply.headers["x-answer"] == "yes"
    assert reply.is_private_target
    assert 0 < reply.duration_seconds < 5
    assert seen[0].raw_path == "/hook%20a?b=/c"
    assert seen[0].headers["Content-Type"] == "application/json"
    assert seen[0].headers["User-Agent"] == "Haversack"
    assert seen[0].headers["Accept-Encoding"] == "identity"


async def test_no_redirect_is_followed(client: OutboundClient, serve: Serve) -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/"})

    port = await serve(handler)
    reply = await post(client, f"http://127.0.0.1:{port}/first")
    assert reply.status == 302
    assert paths == ["/first"]


async def test_no_cookie_is_kept(client: OutboundClient, serve: Serve) -> None:
    cookies: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "session=1; Path=/"})

    port = await serve(handler)
    for _ in range(2):
        await post(client, f"http://localhost:{port}/")
    assert cookies == [None, None]


async def test_no_proxy_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, client: OutboundClient, serve: Serve
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    port = await serve(answer_ok)
    assert (await post(client, f"http://127.0.0.1:{port}/")).body == b"ok"


async def test_connections_are_shared_and_limited(serve: Serve) -> None:
    peers: set[tuple[str, int]] = set()
    all_arrived = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        if len(peers) == 3:
            all_arrived.set()
        await all_arrived.wait()
        return web.Response()

    port = await serve(handler)
    async with OutboundClient(DEVELOPMENT_POLICY, connections_per_host_max=3) as client:
        await asyncio.gather(*(post(client, f"http://127.0.0.1:{port}/") for _ in range(12)))
    assert len(peers) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://2130706433:{port}/",
        "http://localhost:{port}/",
        "http://user@127.0.0.1:{port}/",
    ],
)
async def test_production_sends_nothing_to_this_machine(url: str, serve: Serve) -> None:
    calls: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response()

    port = await serve(handler)
    policy = AddressPolicy(allow_http=True, allowed_ports=None)
    async with OutboundClient(policy) as client:
        failure = await failure_of(post(client, url.format(port=port)))
    assert failure.kind is FailureKind.REFUSED
    assert calls == []


@pytest.mark.parametrize(
    ("policy", "url"),
    [
        (DEVELOPMENT_POLICY, "http://user:password@127.0.0.1:{port}/"),
        (AddressPolicy(allow_loopback=True, allowed_ports=None), "http://127.0.0.1:{port}/"),
        (AddressPolicy(allow_loopback=True, allow_http=True), "http://127.0.0.1:{port}/"),
    ],
)
async def test_url_is_checked_at_each_send(policy: AddressPolicy, url: str, serve: Serve) -> None:
    calls: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response()

    port = await serve(handler)
    async with OutboundClient(policy) as client:
        failure = await failure_of(post(client, url.format(port=port)))
    assert failure.kind is FailureKind.REFUSED
    assert calls == []


async def test_name_that_turns_private_is_refused_on_the_next_connection(serve: Serve) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(headers={"Connection": "close"})

    port = await serve(handler)
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with OutboundClient(DEVELOPMENT_POLICY, lookup=names) as client:
        # Loopback stands for the allowed address here; the name is remembered for the second call.
        assert (await post(client, f"http://game.test:{port}/")).status == 200
        assert (await post(client, f"http://game.test:{port}/")).status == 200
        assert names.asked == ["game.test"]
        failure = await failure_of(post(client, f"http://game.test:{port + 1}/"))
    assert failure.kind is FailureKind.REFUSED
    assert names.asked == ["game.test", "game.test"]


async def test_resolver_answering_public_then_private() -> None:
    names = Names(["8.8.8.8", "2606:4700::1111"], ["8.8.8.8", "192.168.0.1"], ["169.254.169.254"])
    resolver = CheckedResolver(PRODUCTION_POLICY, names)
    pinned = await resolver.resolve("game.test", 443)
    assert [(entry["host"], entry["port"], entry["family"]) for entry in pinned] == [
        ("8.8.8.8", 443, socket.AF_INET),
        ("2606:4700::1111", 443, socket.AF_INET6),
    ]
    assert all(entry["flags"] & socket.AI_NUMERICHOST for entry in pinned)
    for _ in range(2):
        with pytest.raises(AddressRefused):
            await resolver.resolve("game.test", 443)


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["169.254.169.254"], ["::ffff:169.254.169.254"]],
)
async def test_one_bad_address_refuses_the_name(addresses: list[str], serve: Serve) -> None:
    calls: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response()

    port = await serve(handler)
    async with OutboundClient(DEVELOPMENT_POLICY, lookup=Names(addresses)) as client:
        failure = await failure_of(post(client, f"http://game.test:{port}/"))
    assert failure.kind is FailureKind.REFUSED
    assert not any(address in failure.reason for address in addresses)
    assert calls == []


async def test_metadata_stays_closed_when_private_networks_are_open() -> None:
    everywhere = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    policy = AddressPolicy(allow_loopback=True, allow_private=everywhere, allow_http=True, allowed_ports=None)
    async with OutboundClient(policy, lookup=Names(["169.254.169.254"])) as client:
        for url in ("http://169.254.169.254/", "http://metadata.test/", "http://[fd00:ec2::254]/"):
            assert (await failure_of(post(client, url))).kind is FailureKind.REFUSED


@pytest.mark.parametrize("count", [1, 3])
async def test_socket_is_refused_even_if_the_resolver_lets_an_address_pass(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    async def let_pass(_self: CheckedResolver, host: str, port: int = 0, **_: object) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=f"127.0.0.{last}",
                port=port,
                family=socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for last in range(1, count + 1)
        ]

    monkeypatch.setattr(CheckedResolver, "resolve", let_pass)
    with socket.create_server(("", 0)) as listener:
        listener.setblocking(False)
        async with OutboundClient(AddressPolicy(allow_http=True, allowed_ports=None)) as client:
            failure = await failure_of(post(client, f"http://game.test:{listener.getsockname()[1]}/"))
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert failure.kind is FailureKind.REFUSED
    assert "itself" in failure.reason


async def test_peer_decides_what_is_private(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    port = await serve(answer_ok)
    async with OutboundClient(DEVELOPMENT_POLICY, lookup=Names(["127.0.0.1"])) as client:
        assert (await post(client, f"http://public.test:{port}/")).is_private_target
        monkeypatch.setattr(client_module, "classify_address", lambda _address: AddressKind.PUBLIC)
        assert not (await post(client, f"http://public.test:{port}/")).is_private_target


async def test_slow_headers_and_slow_bodies_time_out(client: OutboundClient, speak_raw: SpeakRaw) -> None:
    async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(100), 0.02)

    async def inform(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()

    for speak in (say_nothing, drip, inform):
        port = await speak_raw(speak)
        started = time.monotonic()
        failure = await failure_of(post(client, f"http://127.0.0.1:{port}/", timeout_seconds=0.3))
        assert failure.kind is FailureKind.TIMEOUT
        assert time.monotonic() - started < 2


async def test_name_lookup_counts_as_time() -> None:
    async def never(_host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with OutboundClient(DEVELOPMENT_POLICY, lookup=never) as client:
        failure = await failure_of(post(client, "http://slow.test/", timeout_seconds=0.2))
    assert failure.kind is FailureKind.TIMEOUT


async def test_endless_body_is_cut(client: OutboundClient, serve: Serve) -> None:
    hung_up = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except (ConnectionError, asyncio.CancelledError):
            hung_up.set()
            raise

    port = await serve(handler)
    reply = await post(client, f"http://127.0.0.1:{port}/", response_bytes_max=100_000)
    assert reply.is_cut
    assert reply.body == b"x" * 100_000
    await asyncio.wait_for(hung_up.wait(), 5)


@pytest.mark.parametrize(("bytes_max", "is_cut"), [(0, True), (9, True), (10, False), (11, False)])
async def test_bound_of_the_body_is_exact(client: OutboundClient, serve: Serve, bytes_max: int, is_cut: bool) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=b"0123456789")

    port = await serve(handler)
    reply = await post(client, f"http://127.0.0.1:{port}/", response_bytes_max=bytes_max)
    assert (reply.body, reply.is_cut) == (b"0123456789"[:bytes_max], is_cut)


async def test_compressed_body_stays_compressed(client: OutboundClient, serve: Serve) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    port = await serve(handler)
    reply = await post(client, f"http://127.0.0.1:{port}/", response_bytes_max=20_000)
    assert reply.body == bomb
    assert reply.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", FailureKind.INVALID_REPLY),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", FailureKind.INVALID_REPLY),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", FailureKind.INVALID_REPLY),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", FailureKind.INVALID_REPLY),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n", FailureKind.INVALID_REPLY),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Many: a\r\n" * 10_000 + b"\r\n", FailureKind.INVALID_REPLY),
    ],
)
async def test_replies_that_are_none(
    client: OutboundClient, speak_raw: SpeakRaw, answer: bytes, kind: FailureKind
) -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    port = await speak_raw(speak)
    assert (await failure_of(post(client, f"http://127.0.0.1:{port}/"))).kind is kind


async def test_reset_connection_is_unreachable(client: OutboundClient, speak_raw: SpeakRaw) -> None:
    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        writer.transport.abort()

    port = await speak_raw(reset)
    failure = await failure_of(post(client, f"http://127.0.0.1:{port}/"))
    assert failure.kind is FailureKind.UNREACHABLE


async def test_closed_port_and_unknown_name_are_unreachable(client: OutboundClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    closed = await failure_of(post(client, f"http://127.0.0.1:{port}/"))
    assert closed.kind is FailureKind.UNREACHABLE
    async with OutboundClient(DEVELOPMENT_POLICY, lookup=Names([])) as nameless:
        unknown = await failure_of(post(nameless, "http://nowhere.test/"))
    assert unknown.kind is FailureKind.UNREACHABLE
    assert "name" in unknown.reason


async def test_calls_to_a_dead_host_do_not_delay_others(serve: Serve, speak_raw: SpeakRaw) -> None:
    async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    dead, alive = await speak_raw(say_nothing), await serve(answer_ok)
    async with OutboundClient(DEVELOPMENT_POLICY, connections_per_host_max=4) as client:
        waiting = [asyncio.create_task(post(client, f"http://127.0.0.1:{dead}/", timeout_seconds=1)) for _ in range(50)]
        reply = await post(client, f"http://127.0.0.1:{alive}/", timeout_seconds=0.9)
        assert reply.body == b"ok"
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, OutboundFailure) for outcome in outcomes)


async def test_caller_that_gives_up_is_cancelled(client: OutboundClient, speak_raw: SpeakRaw) -> None:
    arrived = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()

    port = await speak_raw(say_nothing)
    call = asyncio.create_task(post(client, f"http://127.0.0.1:{port}/"))
    await asyncio.wait_for(arrived.wait(), 5)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


Certify = Callable[[str], ssl.SSLContext]


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Certify, ssl.SSLContext]:
    """Return a maker of server contexts for a name, and a client context that trusts them."""
    today = datetime.datetime.now(datetime.UTC)

    def build(
        name: str, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, *, is_authority: bool
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )

    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    root = build("Test authority", root_name, root_key.public_key(), is_authority=True).sign(root_key, hashes.SHA256())

    def certify(name: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        certificate = (
            build(name, root_name, key.public_key(), is_authority=False)
            .add_extension(names, critical=False)
            .sign(root_key, hashes.SHA256())
        )
        file = tmp_path / f"{name}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    trust = ssl.create_default_context(cadata=root.public_bytes(serialization.Encoding.PEM).decode())
    return certify, trust


async def test_certificate_is_checked_against_the_name_not_the_pinned_address(
    serve: Serve, authority: tuple[Certify, ssl.SSLContext]
) -> None:
    certify, trust = authority
    port = await serve(answer_ok, tls=certify("game.test"))
    names = Names(["127.0.0.1"])
    async with OutboundClient(DEVELOPMENT_POLICY, lookup=names, ssl_context=trust) as client:
        assert (await post(client, f"https://game.test:{port}/")).body == b"ok"
        failure = await failure_of(post(client, f"https://other.test:{port}/"))
    assert failure.kind is FailureKind.UNREACHABLE
    assert "certificate" in failure.reason
    async with OutboundClient(DEVELOPMENT_POLICY, lookup=names) as client:
        failure = await failure_of(post(client, f"https://game.test:{port}/"))
    assert "certificate" in failure.reason


async def test_plain_answer_to_tls_is_unreachable(client: OutboundClient, serve: Serve) -> None:
    port = await serve(answer_ok)
    failure = await failure_of(post(client, f"https://127.0.0.1:{port}/"))
    assert failure.kind is FailureKind.UNREACHABLE
    assert "TLS" in failure.reason


async def test_pinned_addresses_are_kept_for_the_next_connection() -> None:
    names = Names(["127.0.0.1", "::1"])
    pinned = await CheckedResolver(DEVELOPMENT_POLICY, names).resolve("game.test", 80)
    assert [ip_address(entry["host"]).is_loopback for entry in pinned] == [True, True]
