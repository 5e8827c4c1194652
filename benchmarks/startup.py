"""How long a newcomer waits: from the command to the first answer, and to the text of `--help`."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.bed import HAVERSACK, ROOT, start, stop, temporary_folder, wait_until_answering
from benchmarks.figures import Figure, Series
from benchmarks.processes import EVERY_CORE, free_port, pin

LIBRARIES = (
    "aiohttp, asyncpg, cryptography, fastapi, joserfc.jwt, pydantic_settings, sqlalchemy, typer, uvicorn, uvloop"
)
ROUNDS = 4
FIRST_SECONDS_WANTED = 5.0
LATER_SECONDS_WANTED = 2.0


async def run() -> list[Figure]:
    """Seconds of `haversack dev`, on an empty folder and on one it knows."""
    pin([0], EVERY_CORE)
    nothing, imported, helped, first, later = [], [], [], [], []
    for _ in range(ROUNDS):
        with temporary_folder() as folder:
            first.append(_seconds_to_answer(folder))
            later.append(_seconds_to_answer(folder))
        imported.append(_seconds_of([sys.executable, "-c", f"import {LIBRARIES}"]))
        nothing.append(_seconds_of([sys.executable, "-c", "pass"]))
        helped.append(_seconds_of([str(HAVERSACK), "--help"]))
    plain, libraries = Series(tuple(nothing)), Series(tuple(imported))
    return [
        _figure("haversack dev, first start", first, libraries, FIRST_SECONDS_WANTED),
        _figure("haversack dev, later start", later, libraries, LATER_SECONDS_WANTED),
        libraries.figure("importing its libraries", "s"),
        Series(tuple(helped)).figure("haversack --help", "s", to=plain, to_name="python -c pass"),
        plain.figure("python -c pass", "s"),
    ]


def _figure(name: str, seconds: list[float], libraries: Series, wanted: float) -> Figure:
    series = Series(tuple(seconds))
    return series.figure(
        name,
        "s",
        to=libraries,
        to_name="importing its libraries",
        wanted=f"within {wanted:g} s",
        verdict=series.middle <= wanted,
    )


def _seconds_of(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def _seconds_to_answer(folder: Path) -> float:
    """Start `haversack dev` on the folder, ask for the document until it is answered, and stop it."""
    port = free_port()
    command = [str(HAVERSACK), "dev", "--folder", str(folder / "haversack"), "--port", str(port)]
    started = time.monotonic()
    process = start(command, folder=folder, environment={})
    try:
        status = wait_until_answering(process, port, path="/openapi.json")
        took = time.monotonic() - started
        assert status == 200, f"/openapi.json answered {status}"
        return took
    finally:
        stop(process)
