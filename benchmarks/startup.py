"""How long a newcomer waits: from the command to the first answer, and to the text of `--help`."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.bed import HAVERSACK, ROOT, start, stop, temporary_folder, wait_until_answering
from benchmarks.figures import Figure, Series
from benchmarks.processes import EVERY_CORE, free_port, pin

ROUNDS = 3
LATER_STARTS = 2
FIRST_SECONDS_WANTED = 5.0
LATER_SECONDS_WANTED = 2.0


async def run() -> list[Figure]:
    """Seconds of `haversack dev`, on an empty folder and on one it knows, beside an interpreter that does nothing."""
    pin([0], EVERY_CORE)
    nothing, helped, first, later = [], [], [], []
    for _ in range(ROUNDS):
        with temporary_folder() as folder:
            first.append(_seconds_to_answer(folder))
            later.extend(_seconds_to_answer(folder) for _ in range(LATER_STARTS))
        nothing.append(_seconds_of([sys.executable, "-c", "pass"]))
        helped.append(_seconds_of([str(HAVERSACK), "--help"]))
    plain = Series(tuple(nothing))
    return [
        _figure("haversack dev, first start", first, FIRST_SECONDS_WANTED),
        _figure("haversack dev, later start", later, LATER_SECONDS_WANTED),
        plain.figure("python -c pass", "s"),
        Series(tuple(helped)).figure("haversack --help", "s", to=plain, to_name="python -c pass"),
    ]


def _figure(name: str, seconds: list[float], wanted: float) -> Figure:
    series = Series(tuple(seconds))
    return series.figure(name, "s", wanted=f"within {wanted:g} s", verdict=series.middle <= wanted)


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
        wait_until_answering(process, port, path="/openapi.json")
        return time.monotonic() - started
    finally:
        stop(process)
