"""Starts `haversack dev` and reads the screen that it shows."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from processes.running import HAVERSACK, Running, started

LAST_LINE = "Ctrl-C stops it."
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


@dataclass(frozen=True, slots=True)
class Screen:
    """What the screen says: its rows by their names, and its lines to paste."""

    text: str

    def row(self, name: str) -> str:
        """The value beside a name."""
        found = re.search(rf"^  {re.escape(name)} +(\S.*)$", self.text, re.MULTILINE)
        assert found is not None, f"the screen has no {name!r}:\n{self.text}"
        return found[1]

    @property
    def rows(self) -> dict[str, str]:
        """Everything that opens the demo project."""
        names = ("project id", "merchant id", "API key", "X-HOST-ID", "login project", "server client", "player")
        return {name: self.row(name) for name in (*names, "webhook secret")}

    @property
    def player_token(self) -> str:
        """The player's JWT."""
        found = JWT.search(self.text)
        assert found is not None, self.text
        return found[0]

    def block(self, title: str) -> str:
        """The lines under a title, as they stand there."""
        _, found, rest = self.text.partition(title)
        assert found, f"the screen has no {title!r}:\n{self.text}"
        return rest.partition("\n")[2].partition("\n\n")[0]


@dataclass(slots=True)
class Dev:
    """A running `haversack dev`."""

    running: Running
    folder: Path
    port: int
    screen: Screen

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def dev_process(folder: Path, port: int, **settings: object) -> AsyncIterator[Running]:
    """`haversack dev` on `folder`/data, at whatever point of its start."""
    command = (str(HAVERSACK), "dev", "--folder", "data", "--port", str(port))
    async with started(folder, *command, settings=settings) as running:
        yield running


@asynccontextmanager
async def dev(folder: Path, port: int, **settings: object) -> AsyncIterator[Dev]:
    """`haversack dev` on `folder`/data, ready."""
    async with dev_process(folder, port, **settings) as running:
        text = await running.wait_for_text(LAST_LINE)
        yield Dev(running, folder / "data", port, Screen(text))
