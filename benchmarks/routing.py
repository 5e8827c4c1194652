"""The route index against FastAPI's own router, for the first and the last of the operations."""

import re
import time
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from benchmarks.bed import call_in_process, scope_of
from benchmarks.figures import Figure, Measure, Sample, interleave
from benchmarks.processes import MEASURED_CORE, pin
from haversack.app import every_operation
from haversack.http.dispatch import Dispatcher, RouteIndex

EXTRA_ROUTES = 340
SHAPES = (
    "/v2/project/{{project_id}}/things_{number}",
    "/v2/project/{{project_id}}/things_{number}/{{sku}}",
    "/v3/project/{{project_id}}/admin/things_{number}/{{sku}}/parts/{{part_id}}",
)
CALLS = 400
ROUNDS = 9


async def answer() -> Response:
    """The same small answer everywhere, so that only the way to it differs."""
    return Response(b"{}", media_type="application/json")


def _build() -> tuple[FastAPI, Dispatcher, tuple[str, str], tuple[str, str]]:
    places = [(operation.method, operation.path) for operation in every_operation()]
    places += [("GET", SHAPES[number % len(SHAPES)].format(number=number)) for number in range(EXTRA_ROUTES)]
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    index = RouteIndex()
    for method, path in places:
        app.router.add_api_route(path, answer, methods=[method], response_model=None)
        route: Any = app.router.routes[-1]
        index.add(method, path, route.app)
    return app, Dispatcher(app, index, {}), places[0], places[-1]


def _measure(application: Any, place: tuple[str, str]) -> Measure:
    method, path = place
    scope = scope_of(method, re.sub(r"\{\w+\}", "44001", path), {})

    async def measure() -> Sample:
        started = time.perf_counter()
        for _ in range(CALLS):
            await call_in_process(application, scope, b"", status=200)
        return {"rate": CALLS / (time.perf_counter() - started)}

    return measure


async def run() -> list[Figure]:
    """Requests per second in this process, no network."""
    pin([0], MEASURED_CORE)
    app, dispatcher, first, last = _build()
    rates = {
        side: taken["rate"]
        for side, taken in (
            await interleave(
                {
                    "index first": _measure(dispatcher, first),
                    "index last": _measure(dispatcher, last),
                    "fastapi first": _measure(app, first),
                    "fastapi last": _measure(app, last),
                },
                rounds=ROUNDS,
            )
        ).items()
    }
    even = rates["index last"].ratio(rates["index first"])
    return [
        rates["index first"].figure("route index, first operation", "req/s"),
        rates["index last"].figure(
            "route index, last operation",
            "req/s",
            to=rates["index first"],
            to_name="its first",
            wanted="at least 0.8 of the first",
            verdict=even >= 0.8,
        ),
        rates["fastapi first"].figure("FastAPI's router, first", "req/s"),
        rates["fastapi last"].figure(
            "FastAPI's router, last", "req/s", to=rates["index last"], to_name="the index's last"
        ),
    ]
