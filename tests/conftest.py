"""The test bed: a PostgreSQL and an application for each test process, a project of its own for each test."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from pydantic import SecretStr

from haversack.app import OUTCOMES, build_application
from haversack.context import Context, open_context
from haversack.database.embedded import EmbeddedDatabase
from haversack.database.migrate import migrate
from haversack.http.dispatch import Dispatcher
from haversack.http.route import RAISED_KINDS
from haversack.inventory.verifying import find_differences
from haversack.settings import Mode, Settings
from make.exchanges import Recorder, contract_folder
from make.projects import Studio, make_studio

# Properties are about values, not about time: a busy machine must not fail them. The same examples run each time.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.load_profile("suite")

# Durability is tested where it is promised (tests/delivery, tests/database), with fsync on.
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "100"}


@pytest.fixture(scope="session")
async def database_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A migrated database: the embedded one, or HAVERSACK_TEST_DATABASE_URL."""
    given = os.environ.get("HAVERSACK_TEST_DATABASE_URL")
    if given:
        await migrate(given)
        yield given
        return
    async with EmbeddedDatabase(tmp_path_factory.mktemp("database"), options=FAST) as server:
        await migrate(server.url)
        yield server.url


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A developer's settings: receivers on this machine may be called."""
    return Settings(
        _env_file=None,
        mode=Mode.DEVELOPMENT,
        database_url=SecretStr(database_url),
        encryption_key=SecretStr("a key for tests that is long enough"),
        data_folder=tmp_path_factory.mktemp("data"),
        public_url="http://127.0.0.1:8044",
        outbound_allow_loopback=True,
        ask_timeout_seconds=2.0,
        delivery_timeout_seconds=2.0,
    )


@pytest.fixture(scope="session")
async def context(settings: Settings) -> AsyncIterator[Context]:
    """What the application shares with its operations."""
    async with open_context(settings, OUTCOMES) as context:
        assert await context.notifications.wait_until_listening(10)
        yield context
        # Whatever the tests have done, the books of every project must agree.
        found = [str(each) async for each in find_differences(context.database)]
        assert not found, "\n".join(["the books do not agree:", *found])


@pytest.fixture(scope="session")
def application(context: Context) -> Dispatcher:
    """The application under test."""
    return build_application(context)


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    """Holds every answer against the contract, where the contract is at hand."""
    with closing(Recorder()) as recorder:
        yield recorder


@pytest.fixture
async def client(application: Dispatcher, recorder: Recorder) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the application; what it receives must fit the contract."""
    faults: list[str] = []
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8044") as client:
        client.event_hooks["response"].append(recorder.hook(faults))
        yield client
    assert not faults, "\n".join(faults)


@pytest.fixture
async def studio(context: Context) -> Studio:
    """A merchant with one project, its keys, host id and tokens."""
    return await make_studio(context)


@pytest.fixture
async def other_studio(context: Context) -> Studio:
    """Another merchant with another project."""
    return await make_studio(context)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the kinds of error that were raised to the process that checks them (tests/tidy/test_errors.py)."""
    folder = os.environ.get("HAVERSACK_RAISED_KINDS")
    if folder:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        (Path(folder) / f"{worker}.txt").write_text("\n".join(sorted(RAISED_KINDS)))


def pytest_report_header() -> str:
    """Say plainly when answers are not held against the contract."""
    folder = contract_folder()
    return f"contract: {folder}" if folder else "contract: NOT AT HAND - answers are not held against it"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests tell of themselves by `record_property("told", …)`, where they passed too, from any process."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "told":
                terminalreporter.write_line(str(value))
