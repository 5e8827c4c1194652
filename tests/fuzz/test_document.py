"""Requests made from the served document, right ones and wrong ones: no bug answers them, and every answer is declared.

HAVERSACK_FUZZ_EXAMPLES=200 tries harder; HAVERSACK_FUZZ_SEED repeats a run.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fuzz.callers import Demonstration
from fuzz.requests_made import closer_to_right, keep_at_home
from haversack.app import describe, every_operation
from haversack.demo.seed import read_demo
from haversack.http.area import Operation
from haversack.http.calls import GuestCall, PublicCall
from processes.running import free_port
from processes.screens import Dev, dev

EXAMPLES = int(os.environ.get("HAVERSACK_FUZZ_EXAMPLES", "5"))
UNSIGNED_EXAMPLES = max(1, EXAMPLES // 5)
SEED = int(os.environ.get("HAVERSACK_FUZZ_SEED", "2"))

OPERATIONS = {operation.name: operation for operation in every_operation() if operation.in_document}
DOCUMENT = schemathesis.openapi.from_dict(describe())
DESCRIBED = {found.ok().definition.raw["operationId"]: found.ok() for found in DOCUMENT.get_all_operations()}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance, not_a_server_error]
# What removes comes last, so that the others find something, and after it what moves the time of everything.
IN_ORDER = sorted(
    OPERATIONS, key=lambda name: (OPERATIONS[name].tag == "clock-admin", OPERATIONS[name].method == "DELETE", name)
)
BUG = "Something went wrong on the server"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dev]:
    """A development server: its demo has something of everything."""
    print(f"HAVERSACK_FUZZ_SEED={SEED} HAVERSACK_FUZZ_EXAMPLES={EXAMPLES}")
    async with dev(tmp_path_factory.mktemp("fuzz"), free_port()) as server:
        yield server


@pytest.fixture(scope="module")
async def demonstration(server: Dev) -> Demonstration:
    """The server's demo with its credentials."""
    demo = read_demo(server.folder)
    assert demo is not None
    return await asyncio.to_thread(Demonstration.of, server.url, demo, server.screen.player_token)


def test_the_document_describes_every_operation() -> None:
    assert DESCRIBED.keys() == OPERATIONS.keys()


def cases(name: str) -> st.SearchStrategy[Case]:
    """Requests of an operation, as the document allows them and as it does not."""
    described = DESCRIBED[name]
    right = described.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not described.body and not list(described.iter_parameters()):
        return right
    wrong = described.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return right | right | wrong


def attempt(examples: int, name: str, call: Callable[[Case, int], None]) -> None:
    """Make requests and send them."""

    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(name), choice=st.integers(0, 999))
    def send(case: Case, choice: int) -> None:
        case.body = keep_at_home(case.body)
        call(case, choice)

    send()


def send(case: Case, session: requests.Session, url: str) -> Any:
    """The answer; what no HTTP client can send is no request."""
    with suppress(requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL):
        return case.call(base_url=url, session=session, timeout=60)
    return None


def is_declared_fault(operation: Operation, response: Any) -> bool:
    """Whether a status of 500 or more is a refusal that the operation declares, such as a game that is away."""
    kinds = [kind for kind in operation.errors if kind.status == response.status_code]
    return any(kind.sentence.partition("{")[0] in response.text for kind in kinds) and BUG not in response.text


def check(operation: Operation, case: Case, response: Any) -> None:
    """Hold an answer against the document."""
    excluded = [not_a_server_error] if is_declared_fault(operation, response) else []
    case.validate_response(response, checks=[each for each in CHECKS if each not in excluded])


@pytest.mark.parametrize("name", IN_ORDER)
async def test_signed(name: str, server: Dev, demonstration: Demonstration) -> None:
    operation = OPERATIONS[name]

    def call(case: Case, choice: int) -> None:
        # Now and then a request speaks of what is not there, or not the caller's.
        if choice % 10 != 9:
            demonstration.bring_home(case, choice)
            case.body = closer_to_right(name, case.body, choice)
        demonstration.sign(operation, case)
        response = send(case, session, server.url)
        if response is None:
            return
        check(operation, case, response)
        if response.status_code < 300 and response.content:
            with suppress(ValueError):
                demonstration.remember(response.json())

    await in_thread(server, lambda: attempt(EXAMPLES, name, call))
    session.cookies.clear()


@pytest.mark.parametrize("name", IN_ORDER)
async def test_unsigned(name: str, server: Dev) -> None:
    operation = OPERATIONS[name]

    def call(case: Case, choice: int) -> None:
        for header in ("Authorization", "X-SERVER-AUTHORIZATION", "X-HOST-ID", "x-unauthorized-id"):
            case.headers.pop(header, None)
        response = send(case, session, server.url)
        if response is None:
            return
        check(operation, case, response)
        if operation.caller not in (PublicCall, GuestCall):
            assert response.status_code in (400, 401, 403, 413, 415, 422), response.text

    await in_thread(server, lambda: attempt(UNSIGNED_EXAMPLES, name, call))


session = requests.Session()
session.trust_env = False


async def in_thread(server: Dev, work: Callable[[], None]) -> None:
    """Work beside the event loop, which goes on reading what the server logs; with a fault its log is shown."""
    before = len(server.running.err)
    try:
        await asyncio.to_thread(work)
    except BaseException:
        print(server.running.err[before:][-6000:])
        raise
