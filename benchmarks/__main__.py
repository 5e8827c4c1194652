"""Runs the benchmarks that are named, or all: prints a table and writes build/benchmarks.json."""

import asyncio
import importlib
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

import orjson
import uvloop

from benchmarks.bed import BUILD
from benchmarks.figures import Figure
from haversack.clock import real_now

NAMES = (
    "routing",
    "granting",
    "listing",
    "catalog",
    "carts",
    "webhooks",
    "sockets",
    "startup",
    "memory",
    "orders",
    "inventory",
    "codes",
    "promotions",
    "rehearsal",
    "chains",
)
COLUMNS = ("", "figure", "rounds", "ratio", "wanted", "")


async def main(chosen: Sequence[str]) -> None:
    """Run the benchmarks one after another; a name that is none of ours ends the run."""
    unknown = set(chosen) - set(NAMES)
    if unknown:
        sys.exit(f"No such benchmark: {', '.join(sorted(unknown))}. There are {', '.join(NAMES)}.")
    results: dict[str, list[Figure]] = {}
    for name in chosen or NAMES:
        started = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        results[name] = await importlib.import_module(f"benchmarks.{name}").run()
        print(f"{name}: {time.monotonic() - started:.0f} s\n", file=sys.stderr)
        _print_table(name, results[name])
    BUILD.mkdir(exist_ok=True)
    path = BUILD / "benchmarks.json"
    path.write_bytes(orjson.dumps(_as_values(results), option=orjson.OPT_INDENT_2))
    print(f"Written to {path.relative_to(BUILD.parent)}")


def _as_values(results: dict[str, list[Figure]]) -> dict[str, object]:
    return {
        "measured_at": real_now(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "benchmarks": {name: [asdict(figure) for figure in figures] for name, figures in results.items()},
    }


def _print_table(name: str, figures: Sequence[Figure]) -> None:
    rows = [(name, *COLUMNS[1:]), *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join([first, *others]).rstrip())
    print(flush=True)


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{_number(figure.value)} {figure.unit}",
        "" if figure.spread is None else f"{_number(figure.spread[0])} to {_number(figure.spread[1])}",
        "" if figure.ratio is None else f"{figure.ratio:.2f} x {figure.ratio_to}",
        figure.wanted,
        {None: "", True: "ok", False: "MISSED"}[figure.verdict],
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1:]))
