"""Finding out from ``postmaster.pid`` whether a server runs, and removing what a crash left."""

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from haversack.database.embedded.errors import EmbeddedDatabaseError

PORT = 5432
# Above the highest process number of Linux and macOS: PostgreSQL takes it for a process that has ended.
NO_PROCESS = 2**31 - 1
# How long a server whose owner is gone may take to end after each signal.
LEFTOVER_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 4.0), (signal.SIGKILL, 4.0))


@dataclass(frozen=True)
class Postmaster:
    """The server process of a data folder, as its ``postmaster.pid`` describes it."""

    pid: int
    socket_folder: str
    is_ready: bool


def find_postmaster(data: Path) -> Postmaster | None:
    """Return the server that runs on `data` now, or None."""
    described = _read(data)
    return described if described and _serves(described.pid, data) else None


def end_leftover(data: Path) -> None:
    """End a server that runs on `data` without its Haversack; the caller holds the folder's lock."""
    leftover = find_postmaster(data)
    if leftover is None:
        return
    for number, seconds in LEFTOVER_SIGNALS:
        try:
            os.kill(leftover.pid, number)
        except ProcessLookupError:
            return
        if _ends_within(leftover.pid, seconds):
            return
    raise EmbeddedDatabaseError(
        f"An earlier PostgreSQL (process {leftover.pid}) still runs on {data} and cannot be ended. End it by hand."
    )


def clear_stale_files(data: Path, socket_folder: Path) -> None:
    """Remove what would make PostgreSQL believe that a server still runs on `data`, though none does."""
    pid_file = data / "postmaster.pid"
    described = _read(data)
    if described is None:
        # Missing, or cut short by a machine that lost power: PostgreSQL refuses an empty file.
        pid_file.unlink(missing_ok=True)
    elif _is_alive(described.pid):
        # The number now belongs to another process. The other lines stay: with them PostgreSQL checks that no
        # process of the earlier server still uses its shared memory. Written in place to keep the owner.
        _, _, rest = pid_file.read_text().partition("\n")
        pid_file.write_text(f"{NO_PROCESS}\n{rest}")
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (socket_folder / name).unlink(missing_ok=True)


def _read(data: Path) -> Postmaster | None:
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return None
    # process, data folder, start time, port, socket folder, address, shared memory, state; the last come late
    lines += [""] * (8 - len(lines))
    if not lines[0].strip().isdecimal():
        return None
    return Postmaster(pid=int(lines[0]), socket_folder=lines[4], is_ready=lines[7].startswith("ready"))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _serves(pid: int, data: Path) -> bool:
    """Tell whether process `pid` is a server on `data`, not a later process with the same number."""
    if pid <= 0 or not _is_alive(pid):
        return False
    if not Path("/proc/self/cmdline").exists():
        ask = ["/bin/ps", "-ww", "-p", str(pid), "-o", "command="]
        command = subprocess.run(ask, capture_output=True, check=False).stdout  # noqa: S603 -- a number only
        return b"postgres" in command and os.fsencode(data) in command
    try:
        program, _, rest = Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")
        if Path(os.fsdecode(program)).name != "postgres":
            return False
        try:
            return data.samefile(f"/proc/{pid}/cwd")
        except PermissionError:  # another user's process
            return os.fsencode(data) in rest.split(b"\0")
    except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
        return False


def _ends_within(pid: int, seconds: float) -> bool:
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        finally:
            os.close(descriptor)
    # Elsewhere the end of a process that is not a child can only be asked for.
    deadline = time.monotonic() + seconds
    while _is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
