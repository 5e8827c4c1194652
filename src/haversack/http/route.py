"""What happens around every operation: identify, limit, bind, run once, audit, render, and turn bugs into one 500."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import asyncpg
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from haversack.database.engine import DatabaseAway
from haversack.errors import AUTHORIZATION_MISSING, AUTHORIZATION_NOT_SENT, Fault, Refusal
from haversack.http import callers, idempotency
from haversack.http.area import WRITING, HotAnswer, Operation, Repeat
from haversack.http.browsers import OPEN_HEADERS
from haversack.http.calls import AdminCall, Call, HostCall, ShopperCall
from haversack.http.idempotency import Answer
from haversack.http.problems import encoded_problem, faults_of, internal_error, invalid, render
from haversack.http.requests import StrictRequest, check_address, check_form, check_length, check_media_type, limited
from haversack.projects.queries import add_audit_entry

log = logging.getLogger("haversack.http")

CONFLICT_RETRIES_MAX = 5
# Which kinds this process has answered: a test fails on kinds that are declared and never raised.
RAISED_KINDS: set[str] = set()
TRANSIENT = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class HotEndpoint:
    """An operation that is answered from memory where it can be, and by `ordinary` where it cannot."""

    def __init__(self, operation: Operation, ordinary: ASGIApp) -> None:
        assert operation.hot is not None
        self.operation = operation
        self.ordinary = ordinary
        self._hot = operation.hot

    def find_answer(self, scope: Scope) -> HotAnswer | Awaitable[HotAnswer | None] | None:
        """The answer from memory, at once where nothing has to be waited for; None: it must go the ordinary way."""
        try:
            answer = self._hot(scope)
        except Exception as error:
            return self._refused(scope, error)
        return answer if answer is None or type(answer) is tuple else self._awaited(scope, answer)

    async def _awaited(self, scope: Scope, answer: Any) -> HotAnswer | None:
        try:
            found: HotAnswer | None = await answer
        except Exception as error:
            return self._refused(scope, error)
        return found

    def _refused(self, scope: Scope, error: Exception) -> HotAnswer:
        refusal = refusal_of(error, self.operation)
        RAISED_KINDS.add(refusal.kind.name)
        request_id = scope["app"].state.context.new_request_id()
        response = render(self.operation.family, refusal, request_id=request_id)
        response.headers["X-Request-Id"] = request_id
        return response.status_code, [*response.raw_headers, *OPEN_HEADERS], bytes(response.body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.ordinary(scope, receive, send)


class OperationRoute(APIRoute):
    """Binds a request to an operation by FastAPI, with everything around it that is ours."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        bound = super().get_route_handler()
        operation: Operation = self.endpoint.operation  # type: ignore[attr-defined]
        takes_body = self.body_field is not None
        is_form = takes_body and isinstance(self.body_field.field_info, Form)  # type: ignore[union-attr]

        async def handle(request: Request) -> Response:
            request_id = request.app.state.context.new_request_id()
            try:
                limit = operation.body_bytes_max or request.app.state.context.settings.body_bytes_max
                check_length(request, limit, operation.family)
                request = StrictRequest(request.scope, limited(request.receive, limit, operation.family))
                check_address(request)
                for kind in (AUTHORIZATION_NOT_SENT, AUTHORIZATION_MISSING):
                    if kind in operation.errors and not _says_who(request, operation):
                        raise kind()  # a few calls document an answer of their own
                call = await callers.identify(operation.caller, request, operation.family, request_id)
                if takes_body:
                    check_media_type(request, operation.family, is_form=is_form)
                if is_form:
                    await check_form(request)
                request.scope["haversack.call"] = call
                values = None if operation.bind is None else await operation.bind(request)
                if values is not None:
                    answered: Response = await self.endpoint(call=call, **values)
                    return answered
                return await bound(request)
            except Exception as error:
                refusal = refusal_of(error, operation)
                RAISED_KINDS.add(refusal.kind.name)
                if refusal.kind.status >= 500:
                    log.warning("%s: %s, request %s", operation.name, refusal.kind.name, request_id)
                response = render(operation.family, refusal, request_id=request_id)
                # What a caller can quote, and what the log has.
                response.headers["X-Request-Id"] = request_id
                return response

        return handle


def _says_who(request: Request, operation: Operation) -> bool:
    is_guest = operation.caller is ShopperCall and "x-unauthorized-id" in request.headers
    return is_guest or "authorization" in request.headers


def refusal_of(error: Exception, operation: Operation) -> Refusal:
    """What the caller is told of an exception."""
    family = operation.family
    if isinstance(error, HTTPException) and isinstance(error.__cause__, Refusal | RequestValidationError):
        error = error.__cause__  # FastAPI wraps what its reading of the body meets
    if isinstance(error, Refusal):
        if error.kind in operation.allowed_errors:
            return error
        return internal_error(family, AssertionError(f"{operation.name} does not declare {error.kind.name}"))
    if isinstance(error, RequestValidationError):
        return invalid(operation.invalid, faults_of(error))
    if isinstance(error, HTTPException) and error.status_code == 400:
        return invalid(operation.invalid, [Fault("body", "cannot be read")])
    if isinstance(error, DatabaseAway):
        log.warning("%s: the database is away: %s", operation.name, error)
        return family.unavailable(retry_after=2)
    if isinstance(error, ClientDisconnect):
        return invalid(operation.invalid, [Fault("body", "ended before its announced length")])
    return internal_error(family, error)


def endpoint_of(operation: Operation) -> Callable[..., Coroutine[Any, Any, Response]]:
    """The function that FastAPI calls with the bound values."""

    async def endpoint(**values: Any) -> Response:
        call: Call = values["call"]
        if operation.method not in WRITING:
            answered = await operation.function(**values)
            if isinstance(answered, Response):
                return answered
            return _response(_answer(operation, answered))
        answer = await _write(call, operation, values)
        for done in call.after_commit:
            done()
        return answer if isinstance(answer, Response) else _response(answer)

    return endpoint


async def _write(call: Call, operation: Operation, values: dict[str, Any]) -> Answer | Response:
    """Run a change, repeating it where two transactions got into each other's way."""
    key = call.idempotency_key
    for attempt in range(CONFLICT_RETRIES_MAX):
        try:
            if key is None or operation.repeat is Repeat.NEVER:
                return await _run(call, operation, values)
            request = call.request
            idempotency.check_key(operation, key)
            fingerprint = idempotency.request_hash(
                operation.method, request.url.path, request.scope["query_string"], await request.body()
            )
            return await idempotency.run_once(
                call,
                operation,
                key,
                fingerprint,
                lambda: _run_plain(call, operation, values),
                lambda refusal: _refused(call, operation, refusal),
            )
        except TRANSIENT:
            call.after_commit.clear()
            if operation.repeat is not Repeat.ATOMIC or attempt == CONFLICT_RETRIES_MAX - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _run(call: Call, operation: Operation, values: dict[str, Any]) -> Answer | Response:
    if operation.audit is None:
        answered = await operation.function(**values)
        return answered if isinstance(answered, Response) else _answer(operation, answered)
    # The change and its audit row stand or fall together.
    async with call.db.together():
        answered = await operation.function(**values)
        await _add_audit(call, operation)
    return answered if isinstance(answered, Response) else _answer(operation, answered)


async def _run_plain(call: Call, operation: Operation, values: dict[str, Any]) -> Answer:
    answer = await _run(call, operation, values)
    assert isinstance(answer, Answer), f"{operation.name} answers a response of its own: declare Repeat.NEVER"
    return answer


async def _add_audit(call: Call, operation: Operation) -> None:
    assert isinstance(call, AdminCall | HostCall)
    assert operation.audit is not None
    await add_audit_entry(
        call.db,
        project_id=call.project_id,
        now=call.now,
        caller=call.caller_name,
        operation=operation.name,
        sentence=operation.audit,
        request_id=call.request_id,
        subject=dict(call.request.path_params),
    )


def _answer(operation: Operation, value: Any) -> Answer:
    return Answer(operation.status, b"" if operation.encode is None else operation.encode(value))


def _refused(call: Call, operation: Operation, refusal: Refusal) -> Answer:
    shown = refusal_of(refusal, operation)
    RAISED_KINDS.add(shown.kind.name)
    return Answer(shown.kind.status, encoded_problem(operation.family, shown, request_id=call.request_id))


def _response(answer: Answer) -> Response:
    headers = {"Idempotency-Replayed": "true"} if answer.is_replayed else None
    if not answer.body:
        return Response(status_code=answer.status, headers=headers)
    return Response(answer.body, status_code=answer.status, headers=headers, media_type="application/json")
