"""Starting a PostgreSQL program under the launcher, from Haversack's side."""

import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haversack.database.embedded import launcher
from haversack.database.embedded.errors import EmbeddedDatabaseError

LOG_TAIL_BYTES = 2048
LOG_TAIL_LINES = 12


@dataclass(frozen=True)
class Identity:
    """As whom PostgreSQL runs, and the owner of its files as this process sees it.

    `spec` is the launcher's word for it: ``own`` (this user), ``namespace:UID:GID`` (root under another name)
    or ``account:UID:GID`` (an existing unprivileged account).
    """

    spec: str
    file_uid: int
    file_gid: int


class LaunchedProcess:
    """One program running under the launcher; it ends when `close` is called or this process is gone."""

    def __init__(self, command: Sequence[str], *, identity: Identity, log: Path) -> None:
        self._log = log
        self._log_start = log.stat().st_size if log.is_file() else 0
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as errors:
            self._popen = subprocess.Popen(  # noqa: S603 -- a list, and all of it ours
                [
                    sys.executable,
                    "-I",
                    "-S",
                    launcher.__file__,
                    str(os.getpid()),
                    identity.spec,
                    str(log),
                    *command,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # Nothing of ours: PGDATA, PGOPTIONS or a locale would change what the server does.
                env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
                cwd="/",
                # Ctrl-C goes to the whole process group; PostgreSQL stops after Haversack, not with it.
                start_new_session=True,
            )

    def is_ready_within(self, seconds: float) -> bool:
        """Wait until PostgreSQL accepts connections; False when it ended or the time ran out first."""
        assert self._popen.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._popen.stdout, selectors.EVENT_READ)
            return bool(selector.select(seconds)) and self._popen.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """Ask the launcher to end the program; returns at once and may be repeated."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()

    def wait(self, seconds: float) -> int:
        """Return the exit status of the program when it has ended; raise when it has not within `seconds`."""
        try:
            status = self._popen.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise EmbeddedDatabaseError(
                f"PostgreSQL (process {self._popen.pid}) did not end within {seconds:.0f} seconds; see {self._log}."
            ) from error
        assert self._popen.stdout is not None
        self._popen.stdout.close()
        return status

    def stop(self) -> None:
        """End the program in an orderly way, by force when that takes too long."""
        self.close()
        self.wait(launcher.STOP_SECONDS_MAX + 2)

    def log_tail(self) -> str:
        """Return the last lines the program wrote."""
        with self._log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = self._log_start if self._log_start <= size else 0
            file.seek(max(start, size - LOG_TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])


def run_to_end(command: Sequence[str], *, identity: Identity, log: Path, seconds: float) -> LaunchedProcess | None:
    """Run a program that ends by itself; return None when it succeeded, else the process, for its log."""
    process = LaunchedProcess(command, identity=identity, log=log)
    try:
        return process if process.wait(seconds) else None
    finally:
        process.stop()
