"""How long a newcomer waits: from the command to the first answer, and to the text of `--help`."""

import math
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.bed import HAVERSACK, ROOT, start, stop, temporary_folder, wait_until_answering
from benchmarks.figures import Figure, Series
from benchmarks.processes import EVERY_CORE, HAS_PROC, cpu_seconds, free_port, pin

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
        *_figures("haversack dev, first start", first, libraries, FIRST_SECONDS_WANTED),
        *_figures("haversack dev, later start", later, libraries, LATER_SECONDS_WANTED),
        libraries.figure("importing its libraries", "s"),
        Series(tuple(helped)).figure("haversack --help", "s", to=plain, to_name="python -c pass"),
        plain.figure("python -c pass", "s"),
    ]


def _figures(name: str, starts: list[tuple[float, float]], libraries: Series, wanted: float) -> list[Figure]:
    passed = Series(tuple(took for took, _ in starts))
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
        figures.append(Series(tuple(worked for _, worked in starts)).figure(f"{name}: its own CPU", "s"))
    return figures


def _seconds_of(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def _seconds_to_answer(folder: Path) -> tuple[float, float]:
    """Start `haversack dev` on the folder, ask for the document until it is answered, and stop it.

    Returns the time that passed and the CPU time that Haversack itself took of it, PostgreSQL's not counted.
    """
    port = free_port()
    command = [str(HAVERSACK), "dev", "--folder", str(folder / "haversack"), "--port", str(port)]
    started = time.monotonic()
    process = start(command, folder=folder, environment={})
    try:
        status = wait_until_answering(process, port, path="/openapi.json")
        took = time.monotonic() - started
        worked = cpu_seconds(process.pid) if HAS_PROC else math.nan
        assert status == 200, f"/openapi.json answered {status}"
        return took, worked
    finally:
        stop(process)
