"""Builds the application: the only place that knows every feature."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from haversack.backpack import admin_operations as backpack_admin
from haversack.backpack import pictures as backpack_pictures
from haversack.backpack import player_operations as backpack_player
from haversack.backpack import receiving
from haversack.catalog.items import admin_operations as items_admin
from haversack.catalog.items import game_operations
from haversack.catalog.keys import admin_operations as keys_admin
from haversack.catalog.keys import player_operations as keys_player
from haversack.catalog.read_model import player_operations as client_catalog
from haversack.catalog.taxonomy import admin_operations as taxonomy_admin
from haversack.catalog.transfer import admin_operations as transfer_admin
from haversack.clock import real_now
from haversack.context import Context, open_context
from haversack.demo import game as demo_game
from haversack.http.area import Area, Operation, bound_signature
from haversack.http.dispatch import Dispatcher, RouteIndex
from haversack.http.idempotency import prune_keys
from haversack.http.openapi import build_document, responses_of
from haversack.http.route import OperationRoute, endpoint_of
from haversack.limits import admin_operations as limits_admin
from haversack.login import player_operations as login_player
from haversack.login import public_operations as login_public
from haversack.login import server_operations as login_server
from haversack.login.actions import prune_expired
from haversack.pages import operations as page_operations
from haversack.pages import reference as page_reference
from haversack.pages.html import render_error
from haversack.pages.reference import swagger_folder
from haversack.pages.shipped import FOLDERS
from haversack.projects import merchant_operations
from haversack.settings import Settings
from haversack.webhooks import admin_operations as webhooks_admin
from haversack.webhooks.outcomes import OutcomeHandler
from haversack.worker import Worker

AREAS: tuple[Area, ...] = (
    backpack_admin.items_area,
    backpack_admin.games_area,
    backpack_player.area,
    backpack_pictures.area,
    login_public.area,
    login_player.area,
    login_server.area,
    webhooks_admin.area,
    merchant_operations.area,
    taxonomy_admin.attributes_area,
    taxonomy_admin.groups_area,
    taxonomy_admin.slashed_area,
    taxonomy_admin.regions_area,
    items_admin.items_area,
    items_admin.bundles_area,
    game_operations.games_area,
    keys_admin.codes_area,
    keys_admin.entitlements_area,
    keys_admin.pre_orders_area,
    keys_player.area,
    limits_admin.area,
    transfer_admin.area,
    transfer_admin.bare_area,
    client_catalog.common_area,
    client_catalog.virtual_items_area,
    client_catalog.bundles_area,
    client_catalog.games_area,
    page_operations.area,
    page_reference.area,
)
# What exists on a developer's machine only.
DEVELOPMENT_AREAS: tuple[Area, ...] = (demo_game.area,)

OUTCOMES: dict[str, OutcomeHandler] = {receiving.REFERENCE: receiving.record_outcome}

DEFAULT_URL = "http://127.0.0.1:8044"


def every_operation(*, is_development: bool = False) -> list[Operation]:
    """Every declared operation, in the order of the areas; a name given twice is a bug."""
    areas = (*AREAS, *DEVELOPMENT_AREAS) if is_development else AREAS
    operations = [operation for area in areas for operation in area.operations]
    names = [operation.name for operation in operations]
    assert len(names) == len(set(names)), f"declared twice: {sorted({n for n in names if names.count(n) > 1})}"
    return operations


def build_application(context: Context | None = None, *, lifespan: Lifespan[FastAPI] | None = None) -> Dispatcher:
    """The ASGI application. Without a context and a lifespan that opens one it can only be described."""
    is_development = context is not None and context.settings.is_development
    operations = every_operation(is_development=is_development)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.context = context
    app.state.document = cache(lambda: _document(app, operations))
    index = RouteIndex()
    for operation in operations:
        _add(app, index, operation)
    app.state.build_routes = lambda: [_route(app, operation) for operation in operations]
    mounts = {prefix: _under(prefix.rstrip("/"), ShippedFiles(folder)) for prefix, folder in FOLDERS.items()}
    mounts["/docs/assets/"] = _under("/docs/assets", ShippedFiles(swagger_folder()))
    return Dispatcher(app, index, mounts)


def production_application() -> Dispatcher:
    """The application of one process of `haversack serve`, with a worker beside it."""
    return _serving(Settings(), with_worker=True)


def production_application_without_worker() -> Dispatcher:
    """The application of one process of `haversack serve --no-worker`."""
    return _serving(Settings(), with_worker=False)


def _serving(settings: Settings, *, with_worker: bool) -> Dispatcher:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_context(settings, OUTCOMES) as context:
            app.state.context = context
            if not with_worker:
                yield
                return
            worker = build_worker(context)
            working = asyncio.create_task(worker.run(), name="worker")
            yield
            await worker.stop()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    return build_application(lifespan=lifespan)


def describe(settings: Settings | None = None) -> dict[str, Any]:
    """The OpenAPI document; needs no database."""
    url = settings.public_url if settings is not None else DEFAULT_URL
    app = build_application().app
    app.state.build_routes()
    return build_document(app, every_operation(), server_url=url)


def _document(app: FastAPI, operations: list[Operation]) -> bytes:
    url = app.state.context.settings.public_url
    app.state.build_routes()
    return orjson.dumps(build_document(app, operations, server_url=url))


def build_worker(context: Context) -> Worker:
    """The worker of a process: it delivers webhooks, tells features of outcomes and forgets what has had its time."""
    worker = Worker(context.deliverer, context.notifications)
    worker.every(3600, lambda: prune_keys(context.database.session()))
    worker.every(3600, lambda: prune_expired(context.database.session(), before=real_now()))
    return worker


def _add(app: FastAPI, index: RouteIndex, operation: Operation) -> None:
    """Put an operation into the index. FastAPI prepares its route when it is first called: preparing hundreds at each
    start takes longer than all the rest of it."""
    if operation.hot is not None:
        route = _route(app, operation)
        index.add(operation.method, operation.path, route, route.app)
        if operation.method == "GET":
            index.add("HEAD", operation.path, route, route.app)
        return
    prepared = cache(lambda: _route(app, operation).app)

    async def first_called(scope: Scope, receive: Receive, send: Send) -> None:
        await prepared()(scope, receive, send)

    index.add(operation.method, operation.path, None, first_called)
    if operation.method == "GET":
        index.add("HEAD", operation.path, None, first_called)


def _route(app: FastAPI, operation: Operation) -> OperationRoute:
    """An operation's route in FastAPI, made once."""
    for known in app.router.routes:
        if isinstance(known, OperationRoute) and getattr(known.endpoint, "operation", None) is operation:
            return known
    endpoint = endpoint_of(operation)
    endpoint.__name__ = operation.name
    endpoint.__doc__ = operation.function.__doc__
    endpoint.__signature__ = bound_signature(operation)  # type: ignore[attr-defined]
    endpoint.operation = operation  # type: ignore[attr-defined]
    app.router.add_api_route(
        operation.path,
        endpoint,
        methods=[operation.method],
        status_code=operation.status,
        response_model=operation.answer_type,
        responses=responses_of(operation) if operation.in_document else None,
        tags=[operation.tag],
        summary=operation.summary,
        operation_id=operation.name,
        include_in_schema=operation.in_document,
        route_class_override=OperationRoute,
        strict_content_type=False,
    )
    route = app.router.routes[-1]
    assert isinstance(route, OperationRoute)
    return route


class ShippedFiles(StaticFiles):
    """Files of the package. Their addresses carry a version, or they change with a release only."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or the page that says that there is none: nobody else answers for a mounted folder."""
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            return render_error(error.status_code, reference=None)

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """A file with the headers that say how long it may be kept and that it is what it says."""
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "public, max-age=86400"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _under(prefix: str, mounted: ASGIApp) -> ASGIApp:
    """A mounted application sees its own prefix as its root."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await mounted({**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)

    return application
