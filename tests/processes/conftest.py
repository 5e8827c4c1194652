"""Databases of their own for the processes under test, on the test bed's PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from haversack.context import Context
from haversack.database.migrate import migrate
from make.projects import Studio, make_studio
from processes.serving import Serving, Shop, open_shop, serve


@asynccontextmanager
async def new_database(server_url: str, *, template: str = "template1") -> AsyncIterator[str]:
    """The address of a new database beside the test bed's own, dropped at the end."""
    name = f"processes_{uuid4().hex}"
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def migrated(database_url: str) -> AsyncIterator[str]:
    """The name of a database at the newest schema that nobody uses: others are copied from it."""
    async with new_database(database_url) as url:
        await migrate(url)
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
async def empty_database(database_url: str) -> AsyncIterator[str]:
    """A database without a schema."""
    async with new_database(database_url) as url:
        yield url


@pytest.fixture
async def database(database_url: str, migrated: str) -> AsyncIterator[str]:
    """A database at the newest schema, with nothing in it."""
    async with new_database(database_url, template=migrated) as url:
        yield url


@pytest.fixture
async def shop(database: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """A database with one project in it."""
    async with open_shop(database, tmp_path) as shop:
        yield shop


@pytest.fixture(scope="module")
async def shared_shop(
    database_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """A shop for the tests of a module that leave the others' things alone."""
    folder = tmp_path_factory.mktemp("shop")
    async with new_database(database_url, template=migrated) as url, open_shop(url, folder) as shop:
        yield shop


@pytest.fixture(scope="module")
def other_process(shared_shop: Shop) -> Context:
    """What a process that serves nothing shares with the database, such as a command of an operator."""
    return shared_shop.context


@pytest.fixture(scope="module")
async def pair(shared_shop: Shop) -> AsyncIterator[tuple[Serving, Serving]]:
    """Two servers on one database."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(serve(shared_shop))
        other = await stack.enter_async_context(serve(shared_shop))
        yield one, other


@pytest.fixture
async def own(shared_shop: Shop) -> Studio:
    """A project of the test's own."""
    return await make_studio(shared_shop.context)
