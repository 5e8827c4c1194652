"""The application at a real port of this machine, and what a client that speaks plain HTTP gets from it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

from haversack.app import build_application
from haversack.cli.serving import Server, _server_options
from haversack.context import Context

SECONDS_MAX = 10.0


@asynccontextmanager
async def serve(context: Context) -> AsyncIterator[int]:
    """Serve the application with the options of `haversack serve`; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(build_application(context), lifespan="off", **_server_options())
        server = Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield listening.getsockname()[1]
        server.should_exit = True
        await serving


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came over the line; `headers` without the date."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Line:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int) -> "AsyncIterator[Line]":
        """A connection, closed at the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def ask(self, *requests: bytes, without_bodies: bool = False) -> list[Reply]:
        """Send requests in one piece, then read their answers."""
        self.writer.write(b"".join(requests))
        return [await self.read(without_body=without_bodies) for _ in requests]

    async def read(self, *, without_body: bool = False) -> Reply:
        """The next answer."""
        async with asyncio.timeout(SECONDS_MAX):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            assert headers.pop("date")
            length = 0 if without_body else int(headers.get("content-length", "0"))
            return Reply(int(head[0].split(" ")[1]), headers, await self.reader.readexactly(length))

    async def is_ended(self) -> bool:
        """Whether the server ends the connection without another byte."""
        async with asyncio.timeout(SECONDS_MAX):
            return await self.reader.read() == b""


def request(method: str, path: str, headers: Sequence[tuple[str, str]] = (), *, version: str = "1.1") -> bytes:
    """The bytes of a request without a body."""
    lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode()
