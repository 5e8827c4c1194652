"""The pytest plugin: a server, a project and a clock for users' own tests.

pytest loads it in every run of an environment that has Haversack, so nothing but pytest is imported here until a
fixture is asked for.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from haversack.testing import Clock, Project, Server


@pytest.fixture(scope="session")
def haversack_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """A running server with a database of its own, started when a test first asks for it and ended with the run."""
    from haversack.testing import Server

    with Server(tmp_path_factory.mktemp("haversack")) as server:
        yield server


@pytest.fixture
def haversack_project(haversack_server: "Server") -> "Project":
    """A project of the test's own, with its keys: nothing in it, and nothing of other tests to be seen."""
    return haversack_server.make_project()


@pytest.fixture
def haversack_clock(haversack_project: "Project") -> "Clock":
    """The clock of `haversack_project`: freeze, jump, step, resume, back."""
    return haversack_project.clock


@pytest.fixture
def clock(haversack_clock: "Clock") -> "Clock":
    """`haversack_clock` by its short name. A fixture of your own by this name takes its place."""
    return haversack_clock
