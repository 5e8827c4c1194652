"""How fast the outbox drains: `webhook_drain.py` in a process of its own, which it binds to one core."""

import asyncio
import re
import sys
from pathlib import Path

from benchmarks.figures import Figure

PROGRAM = Path(__file__).with_name("webhook_drain.py")
DELIVERIES = 2000
WANTED_PER_SECOND = 500
BARE = "bare client"
LINE = re.compile(
    r"^ +(?P<name>\S.*?) +(?P<rate>\d+) deliveries/s +(?P<ratio>[\d.]+) of the bare client$", re.MULTILINE
)


async def run() -> list[Figure]:
    """Deliveries per second to a receiver on this machine; each drain against the client without an outbox."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), "--deliveries", str(DELIVERIES), stdout=asyncio.subprocess.PIPE
    )
    printed = (await process.communicate())[0].decode()
    found = [(match["name"], float(match["rate"]), float(match["ratio"])) for match in LINE.finditer(printed)]
    if not any(name.startswith(BARE) for name, _, _ in found) or len(found) < 2:
        raise RuntimeError(f"{PROGRAM.name} ended with {process.returncode} and printed:\n{printed}")
    return [_figure(name, rate, ratio) for name, rate, ratio in found]


def _figure(name: str, rate: float, ratio: float) -> Figure:
    if name.startswith(BARE):
        return Figure(name=name, value=rate, unit="deliveries/s")
    return Figure(
        name=f"drain, {name}",
        value=rate,
        unit="deliveries/s",
        ratio=ratio,
        ratio_to="the bare client",
        wanted=f"at least {WANTED_PER_SECOND}",
        verdict=rate >= WANTED_PER_SECOND,
    )
