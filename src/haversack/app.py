"""Builds the application: the only place that knows every feature."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from haversack.backpack import admin_operations as backpack_admin
from haversack.backpack import pictures as backpack_pictures
from haversack.backpack import player_operations as backpack_player
from haversack.backpack import receiving
from haversack.carts import actions as cart_actions
from haversack.carts import admin_operations as carts_admin
from haversack.carts import player_operations as carts_player
from haversack.catalog.items import admin_operations as items_admin
from haversack.catalog.items import game_operations
from haversack.catalog.keys import admin_operations as keys_admin
from haversack.catalog.keys import player_operations as keys_player
from haversack.catalog.keys.stock_watch import LOOK_SECONDS, StockWatch
from haversack.catalog.read_model import player_operations as client_catalog
from haversack.catalog.taxonomy import admin_operations as taxonomy_admin
from haversack.catalog.transfer import admin_operations as transfer_admin
from haversack.catalog.value_points import admin_operations as value_points_admin
from haversack.chains.daily import admin_operations as daily_chains_admin
from haversack.chains.daily import player_operations as daily_chains_player
from haversack.chains.offer import admin_operations as offer_chains_admin
from haversack.chains.offer import player_operations as offer_chains_player
from haversack.chains.reward import admin_operations as reward_chains_admin
from haversack.chains.reward import player_operations as reward_chains_player
from haversack.clock import real_now
from haversack.clocks import admin_operations as clocks_admin
from haversack.context import Context, open_context
from haversack.demo import game as demo_game
from haversack.explain import admin_operations as explain_admin
from haversack.http import health
from haversack.http.area import Area, Operation, bound_signature
from haversack.http.dispatch import Dispatcher, RouteIndex
from haversack.http.idempotency import prune_keys
from haversack.http.openapi import build_document, responses_of
from haversack.http.route import HotEndpoint, OperationRoute, endpoint_of
from haversack.http.wire import prepare_models
from haversack.inventory import admin_operations as inventory_admin
from haversack.inventory import digests
from haversack.inventory import player_operations as inventory_player
from haversack.limits import admin_operations as limits_admin
from haversack.login import player_operations as login_player
from haversack.login import public_operations as login_public
from haversack.login import server_operations as login_server
from haversack.login.actions import prune_expired
from haversack.orders import actions as order_actions
from haversack.orders import admin_operations as orders_admin
from haversack.orders import event_operations as order_events
from haversack.orders import player_operations as orders_player
from haversack.orders.codes import hand_out_owed_codes
from haversack.orders.event_queries import prune_processed
from haversack.orders.fulfilling import REFERENCE as ORDER_REFERENCE
from haversack.orders.socket import endpoint as order_socket
from haversack.pages import operations as page_operations
from haversack.pages import reference as page_reference
from haversack.pages.document import ServedDocument
from haversack.pages.html import render_error
from haversack.pages.reference import swagger_folder
from haversack.pages.shipped import FOLDERS
from haversack.payments import admin_operations as payments_admin
from haversack.payments import client_operations as payments_client
from haversack.payments import merchant_operations as payments_merchant
from haversack.payments import player_operations as payments_player
from haversack.payments.page import operations as payment_page
from haversack.payments.page.html import STATIC_FOLDER as PAYMENT_PAGE_FOLDER
from haversack.payments.page.html import STATIC_PREFIX as PAYMENT_PAGE_PREFIX
from haversack.payments.sweeping import SWEEP_SECONDS as PAYMENT_SWEEP_SECONDS
from haversack.payments.sweeping import sweep_payments
from haversack.payments.tokens import forget_expired_tokens
from haversack.personalization import admin_operations as personalization_admin
from haversack.projects import merchant_operations
from haversack.promotions import admin_operations as promotions_admin
from haversack.promotions import limit_operations as promotion_limits
from haversack.promotions.codes import admin_operations as codes_admin
from haversack.promotions.codes import limit_operations as code_limits
from haversack.promotions.codes import player_operations as codes_player
from haversack.settings import Mode, Settings
from haversack.upsell import admin_operations as upsell_admin
from haversack.upsell import player_operations as upsell_player
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
    clocks_admin.area,
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
    promotion_limits.area,
    promotions_admin.common_area,
    promotions_admin.discounts_area,
    promotions_admin.bonuses_area,
    codes_admin.coupons_area,
    codes_admin.promo_codes_area,
    codes_admin.unique_offers_area,
    code_limits.coupons_area,
    code_limits.promo_codes_area,
    codes_player.coupons_area,
    codes_player.promo_codes_area,
    codes_player.common_area,
    personalization_admin.area,
    personalization_admin.choice_area,
    explain_admin.area,
    inventory_player.area,
    inventory_admin.area,
    value_points_admin.area,
    reward_chains_admin.area,
    reward_chains_player.reward_area,
    reward_chains_player.clan_area,
    transfer_admin.area,
    transfer_admin.bare_area,
    upsell_admin.area,
    upsell_player.area,
    client_catalog.common_area,
    client_catalog.virtual_items_area,
    client_catalog.bundles_area,
    client_catalog.games_area,
    carts_player.area,
    carts_admin.area,
    orders_player.free_area,
    orders_player.virtual_area,
    orders_player.order_area,
    orders_admin.area,
    order_events.area,
    payment_page.area,
    payments_player.area,
    payments_admin.area,
    payments_merchant.area,
    payments_client.area,
    daily_chains_admin.area,
    daily_chains_player.area,
    offer_chains_admin.area,
    offer_chains_player.area,
    page_operations.area,
    page_reference.area,
    health.area,
)
# What exists on a developer's machine only.
DEVELOPMENT_AREAS: tuple[Area, ...] = (demo_game.area,)

OUTCOMES: dict[str, OutcomeHandler] = {
    receiving.REFERENCE: receiving.record_outcome,
    ORDER_REFERENCE: order_actions.record_delivery,
}

DEFAULT_URL = "http://127.0.0.1:8044"


def every_operation(*, is_development: bool = False) -> list[Operation]:
    """Every declared operation, in the order of the areas; a name given twice is a bug."""
    areas = (*AREAS, *DEVELOPMENT_AREAS) if is_development else AREAS
    operations = [operation for area in areas for operation in area.operations]
    names = [operation.name for operation in operations]
    assert len(names) == len(set(names)), f"declared twice: {sorted({n for n in names if names.count(n) > 1})}"
    return operations


def build_application(context: Context | None = None, *, lifespan: Lifespan[FastAPI] | None = None) -> Dispatcher:
    """The ASGI application. It answers with the given context, or with the one that `lifespan` opens."""
    is_development = context is not None and context.settings.is_development
    app = _bare(lifespan)
    app.state.context = context
    app.state.document = ServedDocument()
    index = RouteIndex()
    for operation in every_operation(is_development=is_development):
        _add(app, index, operation)
    mounts = {prefix: _under(prefix.rstrip("/"), ShippedFiles(folder)) for prefix, folder in FOLDERS.items()}
    mounts["/docs/assets/"] = _under("/docs/assets", ShippedFiles(swagger_folder()))
    mounts[PAYMENT_PAGE_PREFIX] = _under(PAYMENT_PAGE_PREFIX.rstrip("/"), ShippedFiles(PAYMENT_PAGE_FOLDER))
    return Dispatcher(app, index, mounts, {order_socket.PATH: order_socket.track_orders})


def _bare(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    return FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)


def production_application() -> Dispatcher:
    """The application of one process of `haversack serve`, with a worker beside it."""
    return _serving(Settings(mode=Mode.PRODUCTION), with_worker=True)


def production_application_without_worker() -> Dispatcher:
    """The application of one process of `haversack serve --no-worker`."""
    return _serving(Settings(mode=Mode.PRODUCTION), with_worker=False)


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


def describe() -> dict[str, Any]:
    """The OpenAPI document; needs no database."""
    prepare_models()
    app = _bare()
    operations = [operation for operation in every_operation() if operation.in_document]
    for operation in operations:
        _route(app, operation, is_described=True)
    return build_document(app, operations, server_url=DEFAULT_URL)


def build_worker(context: Context) -> Worker:
    """The worker of a process: it delivers webhooks, tells features of outcomes and forgets what has had its time."""
    worker = Worker(context.deliverer, context.notifications)
    worker.every(LOOK_SECONDS, StockWatch(context.database).look)
    worker.every(3600, lambda: prune_keys(context.database.session()))
    worker.every(3600, lambda: prune_expired(context.database.session(), before=real_now()))
    worker.every(digests.EVERY_SECONDS, lambda: digests.write_digests(context.database.session(), real_now()))
    worker.every(cart_actions.SWEEP_SECONDS, lambda: cart_actions.forget_old_carts(context.database))
    worker.every(15, lambda: order_actions.expire_due_orders(context))
    worker.every(60, lambda: hand_out_owed_codes(context))
    worker.every(3600, lambda: order_actions.name_stuck_orders(context))
    worker.every(3600, lambda: prune_processed(context.database.session()))
    worker.every(PAYMENT_SWEEP_SECONDS, lambda: sweep_payments(context))
    worker.every(3600, lambda: forget_expired_tokens(context))
    return worker


def _add(app: FastAPI, index: RouteIndex, operation: Operation) -> None:
    """Put an operation into the index. FastAPI prepares its route when it is first called: preparing hundreds at each
    start takes longer than all the rest of it."""
    prepared = cache(lambda: _route(app, operation).app)

    async def first_called(scope: Scope, receive: Receive, send: Send) -> None:
        await prepared()(scope, receive, send)

    endpoint = first_called if operation.hot is None else HotEndpoint(operation, first_called)
    index.add(operation.method, operation.path, endpoint)
    if operation.method == "GET":
        index.add("HEAD", operation.path, endpoint)


def _route(app: FastAPI, operation: Operation, *, is_described: bool = False) -> OperationRoute:
    """An operation's route in FastAPI. What it answers is for the document alone: we encode it ourselves."""
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
        response_model=operation.answer_type if is_described else None,
        responses=responses_of(operation) if is_described else None,
        tags=[operation.tag],
        summary=operation.summary,
        operation_id=operation.name,
        include_in_schema=is_described,
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
