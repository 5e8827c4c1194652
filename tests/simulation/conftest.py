"""A process whose connections can be broken, and how many seeds are lived through."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest

from haversack.app import OUTCOMES, build_application
from haversack.context import Context, open_context
from haversack.http.dispatch import Dispatcher
from haversack.settings import Settings
from make.exchanges import Recorder
from simulation.breaking import BreakableConnection


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of runs by hand; under `pytest tests` this file is read too late for them, hence the variables."""
    parser.addoption("--seeds", type=int, default=None, help="how many seeds the simulation lives through")
    parser.addoption("--first", type=int, default=None, help="the first seed")


def asked(config: pytest.Config, name: str, default: int) -> int:
    """A number given as an option, or as a variable, or neither."""
    given = config.getoption(f"--{name}", default=None)
    return int(given if given is not None else os.environ.get(f"HAVERSACK_SIMULATION_{name.upper()}", default))


@pytest.fixture(scope="session")
async def breakable_context(settings: Settings) -> AsyncIterator[Context]:
    """What operations share, on connections that break where a plan says so."""
    async with open_context(settings, OUTCOMES, connection_class=BreakableConnection) as context:
        assert await context.notifications.wait_until_listening(10)
        yield context


@pytest.fixture(scope="session")
def breakable_application(breakable_context: Context) -> Dispatcher:
    """The application on these connections."""
    return build_application(breakable_context)


@pytest.fixture
async def breakable_client(breakable_application: Dispatcher, recorder: Recorder) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of it; what it receives must fit the contract."""
    faults: list[str] = []
    transport = httpx.ASGITransport(app=breakable_application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8044") as client:
        hold = recorder.hook(faults)

        async def check(response: httpx.Response) -> None:
            # That a database may be away is no matter of the contract.
            if response.status_code != 503:
                await hold(response)

        client.event_hooks["response"].append(check)
        yield client
    assert not faults, "\n".join(faults)
