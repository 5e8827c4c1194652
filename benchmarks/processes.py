"""What Linux tells of a process (CPU time, memory, children) and on which core it runs."""

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "smaps_rollup").exists()
HAS_AFFINITY = hasattr(os, "sched_setaffinity")
_TICK = os.sysconf("SC_CLK_TCK")
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: `resident` counts shared pages whole, `proportional` divides them among those who share them."""

    resident: int
    proportional: int


def _cores() -> tuple[set[int], set[int]]:
    allowed = sorted(os.sched_getaffinity(0)) if HAS_AFFINITY else [0]
    return {allowed[0]}, {allowed[-1]}


# What is measured runs on one core; what drives it, and PostgreSQL, on another where there is one.
MEASURED_CORE, OTHER_CORE = _cores()
EVERY_CORE = os.sched_getaffinity(0) if HAS_AFFINITY else {0}


def pin(pids: Iterable[int], cores: set[int]) -> None:
    """Keep processes and all their threads on these cores, where the system can; 0 is this process."""
    if not HAS_AFFINITY:
        return
    for pid in pids:
        tasks = PROC / (str(pid) if pid else "self") / "task"
        for thread in [int(path.name) for path in tasks.iterdir()] if tasks.exists() else [pid]:
            try:
                os.sched_setaffinity(thread, cores)
            except ProcessLookupError:  # it ended meanwhile
                continue


def _stat(pid: int) -> list[str]:
    # The name of the program stands in parentheses and may hold blanks.
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def parent_of(pid: int) -> int:
    """The process that started this one."""
    return int(_stat(pid)[1])


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used, its threads' and the kernel's for it included. Steps of 10 ms."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK


def descendants(pid: int) -> list[int]:
    """The process and everything it has started that still runs."""
    children: dict[int, list[int]] = {}
    for path in PROC.iterdir():
        if path.name.isdigit():
            try:
                children.setdefault(parent_of(int(path.name)), []).append(int(path.name))
            except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                continue
    found = [pid]
    for each in found:
        found.extend(children.get(each, ()))
    return found


def memory_of(pid: int) -> Memory:
    """What a process holds in memory now."""
    sizes = {}
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024
    return Memory(resident=sizes["Rss"], proportional=sizes["Pss"])


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
