"""Runs Haversack as its users do: as processes, by its command, on free ports and folders of their own."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
from typer.testing import CliRunner

Value = TypeVar("Value")

HAVERSACK = Path(sys.executable).with_name("haversack")
KEY = "a key for process tests that is long enough"
# Far more than anything here takes on an idle machine: a busy one must not fail the tests.
SECONDS_MAX = 40.0
PROBE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams."""
        return self.out + self.err

    def refused(self, *, status: int = 1) -> str:
        """What a command said that ended with a sentence; no trace of a program may be in it."""
        assert self.status == status, self.said
        assert "Traceback" not in self.said, self.said
        return self.err

    def succeeded(self) -> str:
        """What a command printed that did its work."""
        assert self.status == 0, self.said
        assert "Traceback" not in self.said, self.said
        return self.out


def environment(**settings: object) -> dict[str, str]:
    """The environment of a process: the machine's, without settings of Haversack but those given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HAVERSACK_")}
    given = {f"HAVERSACK_{name.upper()}": str(value) for name, value in settings.items() if value is not None}
    return {**inherited, **given, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


async def run(folder: Path, *arguments: str, **settings: object) -> Finished:
    """Run a command of `haversack` in a folder to its end."""
    async with started(folder, str(HAVERSACK), *arguments, settings=settings) as process:
        return await process.finish()


async def invoke(*arguments: str, **settings: object) -> Finished:
    """Run a command of `haversack` in this process, in a thread: for what many commands would take too long."""
    from haversack.cli.main import app

    runner = CliRunner(env=_only(settings))
    result = await asyncio.to_thread(runner.invoke, app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{arguments} ended with a trace") from result.exception
    return Finished(result.exit_code, result.stdout, result.stderr)


def _only(settings: Mapping[str, object]) -> dict[str, str | None]:
    """Changes of this process's environment that leave the given settings of Haversack alone in it."""
    unset = dict.fromkeys((name for name in os.environ if name.startswith("HAVERSACK_")), None)
    return {**unset, **{name: value for name, value in environment(**settings).items() if name.startswith("HAVERSACK")}}


async def run_bash(folder: Path, script: str) -> Finished:
    """Run lines as a person pastes them into a shell."""
    async with started(folder, "bash", "-c", script, settings={}) as process:
        return await process.finish()


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


async def until(
    probe: Callable[[], Awaitable[Value | None] | Value | None], what: str, *, seconds: float = SECONDS_MAX
) -> Value:
    """What the probe answers as soon as it answers something; TimeoutError if that takes too long."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = probe()
                value = await found if isinstance(found, Awaitable) else found
                if value:
                    return value
                # What other processes do cannot be waited for in any other way.
                await asyncio.sleep(PROBE_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"in {seconds:g} s it did not come to this: {what}") from None


def is_alive(pid: int) -> bool:
    """Whether a process runs. One that has ended and was not waited for does not."""
    if not Path("/proc/self/stat").exists():
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            return True
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def until_gone(*pids: int, seconds: float = SECONDS_MAX) -> None:
    """Wait until processes have ended."""

    await until(lambda: not any(is_alive(pid) for pid in pids), f"processes {pids} end", seconds=seconds)


def postgres_of(folder: Path) -> int:
    """The PostgreSQL that runs on a data folder."""
    return int((folder / "postgres" / "postmaster.pid").read_text().split("\n")[0])


@dataclass(slots=True)
class Running:
    """A process under way, with what it has printed so far."""

    process: asyncio.subprocess.Process
    out: str = ""
    err: str = ""
    _readers: list[asyncio.Task[None]] = field(default_factory=list)
    _has_printed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def read(self) -> None:
        """Take in what it prints, from now on."""
        for name in ("out", "err"):
            self._readers.append(asyncio.create_task(self._read(name)))

    async def _read(self, name: str) -> None:
        stream = self.process.stdout if name == "out" else self.process.stderr
        assert stream is not None
        while chunk := await stream.read(65536):
            setattr(self, name, getattr(self, name) + chunk.decode())
            self._has_printed.set()

    async def wait_for_text(self, text: str) -> str:
        """What it has printed, as soon as `text` is in it; an assertion fails if it ends before."""
        ending = asyncio.create_task(self.finish())
        try:
            async with asyncio.timeout(SECONDS_MAX):
                while text not in self.out + self.err:
                    self._has_printed.clear()
                    printing = asyncio.create_task(self._has_printed.wait())
                    await asyncio.wait({ending, printing}, return_when=asyncio.FIRST_COMPLETED)
                    printing.cancel()
                    if ending.done():
                        assert text in self.out + self.err, f"it ended instead of saying {text!r}: {ending.result()}"
        finally:
            ending.cancel()
        return self.out

    async def finish(self) -> Finished:
        """Wait for its end. Its children may live on and hold its output, so that is not waited for."""
        async with asyncio.timeout(SECONDS_MAX):
            status = await self.process.wait()
            await asyncio.wait(self._readers, timeout=2)
        return Finished(status, self.out, self.err)

    async def interrupt(self) -> Finished:
        """Ctrl-C: the signal goes to the whole process group, as a terminal sends it."""
        os.killpg(self.pid, signal.SIGINT)
        return await self.finish()

    async def terminate(self) -> Finished:
        """SIGTERM to the process alone, as a supervisor sends it."""
        self.process.send_signal(signal.SIGTERM)
        return await self.finish()

    async def kill(self) -> None:
        """kill -9 to the process alone."""
        self.process.kill()
        await self.process.wait()

    async def kill_group(self) -> None:
        """kill -9 to the process and all that it has started in its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def started(
    folder: Path, *command: str, settings: Mapping[str, object], stdin: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[Running]:
    """A process in a folder, in a group of its own; nothing of the group outlives the block."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment(**settings),
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    running = Running(process)
    running.read()
    try:
        yield running
    finally:
        await running.kill_group()
        await asyncio.wait(running._readers, timeout=5)


async def until_answering(url: str, running: Running) -> None:
    """Wait until a server answers at its address."""
    async with httpx.AsyncClient(verify=False) as client:

        async def answers() -> bool:
            assert running.process.returncode is None, running.out + running.err
            try:
                return (await client.get(url)).status_code < 500
            except httpx.TransportError:
                return False

        await until(answers, f"{url} answers")
