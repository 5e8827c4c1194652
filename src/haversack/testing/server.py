"""Starts a server in a process of its own, asks it for projects and players, and ends it."""

import json
import subprocess
import sys
from collections import deque
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, NoReturn, Self

from haversack.testing.project import Project

END_SECONDS_MAX = 15.0
LOG_LINES_SHOWN = 20


class ServerNotStarted(RuntimeError):
    """The server has ended before it could be used. The message has the end of its log."""


class Server:
    """A server for tests with everything it needs in one folder: database, keys, log. It ends when `close` is called,
    or when this process is gone in whatever way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self._lock = Lock()
        with self.log.open("wb") as log:
            # It reads what is asked of it, and the end of what it reads is its own.
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, "-m", "haversack.testing.serving", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
            )
        self.base_url: str = self._read()["base_url"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def make_project(self) -> Project:
        """A new project with keys, host id and a client for server tokens."""
        made = self._ask({"make": "project"})
        login_project_id: str = made["login_project_id"]

        def sign_in(player: str) -> tuple[str, str]:
            found = self._ask({"make": "player", "login_project_id": login_project_id, "player": player})
            return found["player_id"], found["token"]

        return Project(base_url=self.base_url, _sign_in=sign_in, **made)

    def close(self) -> None:
        """End the server and its database."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        try:
            process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                self._fail()
            return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._fail()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _fail(self) -> NoReturn:
        status = self._process.wait(END_SECONDS_MAX)
        with self.log.open(errors="replace") as log:
            last = "".join(deque(log, LOG_LINES_SHOWN))
        raise ServerNotStarted(
            f"The server of {self.folder} has ended with status {status}. Its log ends with:\n{last}"
        )
