"""What the benchmarks run on: an embedded PostgreSQL as promised to users, a studio in it, servers as processes."""

import asyncio
import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from benchmarks.load import LoadError, load
from benchmarks.processes import MEASURED_CORE, OTHER_CORE, cpu_seconds, descendants, free_port, parent_of, pin
from haversack.app import OUTCOMES
from haversack.context import Context, open_context
from haversack.database.embedded import EmbeddedDatabase
from haversack.database.migrate import migrate
from haversack.settings import Mode, Settings

ROOT = Path(__file__).parents[1]
# The tests' makers make the studios here too.
sys.path.insert(0, str(ROOT / "tests"))
BUILD = ROOT / "build"
HAVERSACK = Path(sys.executable).with_name("haversack")
ENCRYPTION_KEY = "a key for benchmarks that is long enough"
READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 60.0
POLL_SECONDS = 0.01


@dataclass(slots=True, kw_only=True)
class Bed:
    """A migrated database and what this process needs to use it."""

    folder: Path
    url: str
    settings: Settings
    context: Context


@dataclass(frozen=True, slots=True)
class Served:
    """A server process and its port."""

    pid: int
    port: int


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder on the disk of the project, as `.haversack` is: one in memory would make commits free."""
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="benchmark-", dir=BUILD))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def open_bed() -> AsyncIterator[Bed]:
    """A fresh database with the settings of `haversack dev`: fsync and synchronous_commit are on."""
    with temporary_folder() as folder:
        async with EmbeddedDatabase(folder / "data") as server:
            await migrate(server.url)
            settings = Settings(
                _env_file=None,
                mode=Mode.PRODUCTION,
                database_url=SecretStr(server.url),
                encryption_key=SecretStr(ENCRYPTION_KEY),
                data_folder=folder / "data",
            )
            await _pin_database(server.url)
            async with open_context(settings, OUTCOMES) as context:
                assert await context.notifications.wait_until_listening(10)
                yield Bed(folder=folder, url=server.url, settings=settings, context=context)


async def _pin_database(url: str) -> None:
    """Keep PostgreSQL, and each process it will start, off the core of what is measured."""
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        backend: int = await connection.fetchval("SELECT pg_backend_pid()")
        pin(descendants(parent_of(backend)), OTHER_CORE)
    finally:
        await connection.close()


@asynccontextmanager
async def serving(bed: Bed) -> AsyncIterator[Served]:
    """One process of `haversack serve` on the bed's database."""
    port = free_port()
    environment = {
        "HAVERSACK_DATABASE_URL": bed.url,
        "HAVERSACK_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "HAVERSACK_DATA_FOLDER": str(bed.folder / "data"),
        "HAVERSACK_PORT": str(port),
        "HAVERSACK_LOG_LEVEL": "warning",
    }
    async with running([str(HAVERSACK), "serve"], port, folder=bed.folder, environment=environment) as served:
        yield served


@asynccontextmanager
async def serving_bare(bed: Bed, body: bytes) -> AsyncIterator[Served]:
    """A process that answers these bytes to everything."""
    port = free_port()
    path = bed.folder / "body"
    path.write_bytes(body)
    command = [sys.executable, "-m", "benchmarks.bare", str(port), str(path)]
    async with running(command, port, folder=ROOT, environment={}) as served:
        yield served


@asynccontextmanager
async def running(
    command: Sequence[str], port: int, *, folder: Path, environment: Mapping[str, str]
) -> AsyncIterator[Served]:
    """A server process on the core of what is measured, from its first answer to its end by SIGTERM."""
    process = start(command, folder=folder, environment=environment)
    try:
        await asyncio.to_thread(wait_until_answering, process, port)
        pin([process.pid], MEASURED_CORE)
        yield Served(process.pid, port)
    finally:
        await asyncio.to_thread(stop, process)


def start(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], output: int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    """A process with no setting of ours but these. What it prints on its standard error is shown."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAVERSACK_")}
    return subprocess.Popen(command, cwd=folder, env={**kept, **environment}, stdout=output)


def wait_until_answering(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when the process has answered a request."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS_MAX)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except (ConnectionError, http.client.BadStatusLine):
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}") from None
            if time.monotonic() > deadline:
                raise
        finally:
            connection.close()
        time.sleep(POLL_SECONDS)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process as an operator would, by force where that does not help."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def measure_load(
    served: Served,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    status: int = 200,
    load_on: set[int] = OTHER_CORE,
) -> dict[str, float]:
    """Answers per second, the server's CPU milliseconds for each, and the median latency in milliseconds. The load runs
    on the cores `load_on`."""
    pin([0], load_on)
    before = cpu_seconds(served.pid)
    mine = time.process_time()
    done = await load(served.port, requests, connections=connections, seconds=seconds, status=status)
    return {
        "rate": done.rate,
        "cpu_ms": (cpu_seconds(served.pid) - before) / done.answers * 1000,
        "latency_ms": done.latency_ms,
        "client_busy": (time.process_time() - mine) / done.seconds,
    }


async def call_in_process(application: Any, request: Mapping[str, Any], body: bytes, *, status: int) -> bytes:
    """Call an ASGI application without a network and return the body of its answer."""
    answered: list[bytes] = []
    received = iter(({"type": "http.request", "body": body, "more_body": False},))

    async def receive() -> Any:
        return next(received, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != status:
            raise LoadError(f"{request['path']} answered {message['status']}")
        answered.append(message.get("body", b""))

    await application(dict(request), receive, send)
    return b"".join(answered)


def scope_of(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The ASGI scope that uvicorn would make."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8044),
        "state": {},
    }
