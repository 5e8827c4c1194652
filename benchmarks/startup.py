"""How long a newcomer waits: from the command to the first answer, and to the text of `--help`."""

import compileall
import http.client
import math
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import haversack
from benchmarks.bed import HAVERSACK, READY_SECONDS_MAX, ROOT, start, stop, temporary_folder
from benchmarks.figures import Figure, Series
from benchmarks.processes import EVERY_CORE, HAS_PROC, cpu_seconds, free_port, pin

LIBRARIES = (
    "aiohttp, asyncpg, cryptography, fastapi, joserfc.jwt, pydantic_settings, sqlalchemy, typer, uvicorn, uvloop"
)
ROUNDS = 4
FIRST_SECONDS_WANTED = 5.0
LATER_SECONDS_WANTED = 2.0
SCREEN_END = b"Ctrl-C stops it"


@dataclass(frozen=True, slots=True)
class _Start:
    """One start: seconds until the screen's own call was answered, Haversack's CPU seconds until then, and the seconds
    that the API's document then took, asked for the first time."""

    passed: float
    worked: float
    document: float


async def run() -> list[Figure]:
    """Seconds of `haversack dev`, on an empty folder and on one it knows."""
    pin([0], EVERY_CORE)
    # As an installation does, and any start where Python may write: PYTHONDONTWRITEBYTECODE would hide it.
    compileall.compile_dir(Path(haversack.__file__).parent, quiet=1)
    nothing, imported, helped, first, later = [], [], [], [], []
    for _ in range(ROUNDS):
        with temporary_folder() as folder:
            first.append(_start(folder))
            later.append(_start(folder))
        imported.append(_seconds_of([sys.executable, "-c", f"import {LIBRARIES}"]))
        nothing.append(_seconds_of([sys.executable, "-c", "pass"]))
        helped.append(_seconds_of([str(HAVERSACK), "--help"]))
    plain, libraries = Series(tuple(nothing)), Series(tuple(imported))
    return [
        *_figures("haversack dev, first start", first, libraries, FIRST_SECONDS_WANTED),
        *_figures("haversack dev, later start", later, libraries, LATER_SECONDS_WANTED),
        libraries.figure("importing its libraries", "s"),
        Series(tuple(helped)).figure("haversack --help", "s", to=plain, to_name="python -c pass"),
        plain.figure("python -c pass", "s"),
    ]


def _figures(name: str, starts: Sequence[_Start], libraries: Series, wanted: float) -> list[Figure]:
    passed = Series(tuple(each.passed for each in starts))
    figures = [
        passed.figure(
            name,
            "s",
            to=libraries,
            to_name="importing its libraries",
            wanted=f"within {wanted:g} s",
            verdict=passed.middle <= wanted,
        )
    ]
    if HAS_PROC:
        figures.append(Series(tuple(each.worked for each in starts)).figure(f"{name}: its own CPU", "s"))
    figures.append(Series(tuple(each.document for each in starts)).figure(f"{name}: then /openapi.json", "s"))
    return figures


def _seconds_of(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def _start(folder: Path) -> _Start:
    """Start `haversack dev` on the folder as its reader would: wait for the screen, make the call that it shows for the
    player, open the API reference, and stop it. PostgreSQL's CPU is not counted."""
    port = free_port()
    command = [str(HAVERSACK), "dev", "--folder", str(folder / "haversack"), "--port", str(port)]
    started = time.monotonic()
    process = start(command, folder=folder, environment={}, output=subprocess.PIPE)
    try:
        token = _token_of_screen(process)
        status = _ask(port, "/web/backpack/items?group=game_name", {"Authorization": f"Bearer {token}"})
        passed = time.monotonic() - started
        worked = cpu_seconds(process.pid) if HAS_PROC else math.nan
        assert status == 200, f"the player's Backpack answered {status}"
        asked = time.monotonic()
        assert _ask(port, "/openapi.json", {}) == 200
        return _Start(passed, worked, time.monotonic() - asked)
    finally:
        stop(process)


def _token_of_screen(process: "subprocess.Popen[bytes]") -> str:
    """The player's token, once the whole screen was printed."""
    assert process.stdout is not None
    shown = b""
    while SCREEN_END not in shown:
        line = process.stdout.readline()
        assert line, f"{process.args!r} ended before its screen did:\n{shown.decode()}"
        shown += line
    found = re.search(rb"PLAYER=(\S+)", shown)
    assert found is not None, shown.decode()
    return found[1].decode()


def _ask(port: int, path: str, headers: Mapping[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS_MAX)
    try:
        connection.request("GET", path, headers=dict(headers))
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()
