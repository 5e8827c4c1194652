"""A production set-up: a database with a project, and `haversack serve` on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from haversack.context import Context, open_context
from haversack.settings import Settings
from make.projects import Studio, make_studio
from processes.running import HAVERSACK, KEY, Running, free_port, started, until_answering


@dataclass(slots=True)
class Shop:
    """A database with one project, and what processes on it need."""

    database_url: str
    folder: Path
    context: Context
    studio: Studio

    @property
    def settings(self) -> dict[str, object]:
        """The settings of a process of this shop."""
        return {"database_url": self.database_url, "encryption_key": KEY, "data_folder": self.folder / "data"}


@asynccontextmanager
async def open_shop(database_url: str, folder: Path) -> AsyncIterator[Shop]:
    """A shop whose project was made by this process, which goes on listening to what changes in it."""
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        database_url=SecretStr(database_url),
        encryption_key=SecretStr(KEY),
        data_folder=folder / "data",
    )
    async with open_context(settings) as context:
        yield Shop(database_url, folder, context, await make_studio(context))


@dataclass(slots=True)
class Serving:
    """A running `haversack serve`."""

    running: Running
    client: httpx.AsyncClient
    port: int


@asynccontextmanager
async def serve(shop: Shop, *options: str, port: int | None = None, **settings: object) -> AsyncIterator[Serving]:
    """`haversack serve` on a shop, answering. Each request of the client makes a connection of its own."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    everything = {**shop.settings, "port": port, "public_url": url, **settings}
    limits = httpx.Limits(max_keepalive_connections=0)
    async with (
        started(shop.folder, str(HAVERSACK), "serve", *options, settings=everything) as running,
        httpx.AsyncClient(base_url=url, limits=limits, timeout=30, verify=False) as client,
    ):
        await until_answering(f"{url}/", running)
        yield Serving(running, client, port)
