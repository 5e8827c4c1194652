"""How an operation is declared: `Area` collects typed functions; each says who calls, what comes in, what goes out."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from fastapi import Depends
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from haversack.errors import PROJECT_NOT_FOUND, ErrorKind, Family
from haversack.http.calls import Call

Function = TypeVar("Function", bound=Callable[..., Any])

# An answer as the server sends it: status, headers (lower case), body.
HotAnswer = tuple[int, list[tuple[bytes, bytes]], bytes]
# Answers a request from what the process holds in memory: at once, or after a query. None where it must go the
# ordinary way. It sees no body: a change that is answered so is one without.
Hot = Callable[[Scope], HotAnswer | Awaitable[HotAnswer | None] | None]

# Reads the values of an operation's parameters from a request; None where FastAPI has to, whose faults are told.
Bind = Callable[[Request], Awaitable[dict[str, Any] | None]]

WRITING = ("POST", "PUT", "PATCH", "DELETE")


class Repeat(StrEnum):
    """What an Idempotency-Key does for an operation."""

    ATOMIC = "atomic"  # everything happens in one transaction, and the answer is stored in it
    RESUMABLE = "resumable"  # leaves its transactions on the way; a repeat continues, the answer is stored at the end
    NEVER = "never"  # answers secrets that must not be kept (tokens), or changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A declared operation, as the application, the document and the tests see it."""

    name: str
    tag: str
    method: str
    path: str
    family: Family
    function: Callable[..., Any]
    caller: type[Call]
    status: int
    statuses: tuple[int, ...]
    errors: tuple[ErrorKind, ...]
    invalid: ErrorKind
    repeat: Repeat
    audit: str | None
    body_bytes_max: int | None
    in_document: bool
    summary: str
    encode: Callable[[Any], bytes] | None
    answer_type: Any
    # Of an answer that is no JSON; None where there is none, or it says so itself each time.
    media_type: str | None
    hot: Hot | None
    bind: Bind | None

    @property
    def allowed_errors(self) -> tuple[ErrorKind, ...]:
        """Every kind that it may raise."""
        family = self.family
        signed = () if self.caller.__name__ == "PublicCall" else (family.unauthorized,)
        # Where no key or token stands for the project, the path may name one that does not exist.
        unknown = (PROJECT_NOT_FOUND,) if self.caller.__name__ in ("GuestCall", "ShopperCall") else ()
        return (*self.errors, self.invalid, *signed, *unknown, *family.implied)


class Area:
    """The operations of one feature for one kind of caller; `app.py` knows every area."""

    def __init__(self, tag: str, *, family: Family, prefix: str = "", in_document: bool = True) -> None:
        self.tag = tag
        self.family = family
        self.prefix = prefix
        self.in_document = in_document
        self.operations: list[Operation] = []

    def get(self, path: str, **options: Any) -> Callable[[Function], Function]:
        """Declare a read."""
        return self._declare("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Function], Function]:
        """Declare a POST; see `_declare` for what may be said of it."""
        return self._declare("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[Function], Function]:
        """Declare a PUT."""
        return self._declare("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[Function], Function]:
        """Declare a PATCH."""
        return self._declare("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[Function], Function]:
        """Declare a DELETE."""
        return self._declare("DELETE", path, **options)

    def _declare(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        statuses: Sequence[int] = (),
        errors: Sequence[ErrorKind] = (),
        invalid: ErrorKind | None = None,
        repeat: Repeat | None = None,
        audit: str | None = None,
        body_bytes_max: int | None = None,
        answer: Any = None,
        hot: Hot | None = None,
        only_reads: bool = False,
        bind: Bind | None = None,
    ) -> Callable[[Function], Function]:
        """`status` is the answer's on success and `statuses` further ones, `errors` what it may refuse, `repeat` what
        an Idempotency-Key does, `audit` the sentence that a change by an admin leaves in the audit. What answers
        encoded JSON (bytes; a read also a Response) says in `answer` what it holds; `only_reads` is for a read whose
        method is that of a change: it is not repeated by key and leaves no audit. `hot` answers them without the
        ordinary way, whose checks a request of the same address has passed before. `bind` reads the parameters of a
        call that must be fast, where a request has nothing unusual in it: FastAPI's own reading takes a quarter of a
        purchase."""

        def declare(function: Function) -> Function:
            hints = get_type_hints(function, include_extras=True)
            caller = _caller_of(function, hints)
            assert function.__doc__, f"{function.__name__} needs a one-line docstring: it is the API reference"
            writes = method in WRITING and not only_reads
            changes_as_admin = writes and caller.__name__ in ("AdminCall", "HostCall")
            assert (audit is not None) == changes_as_admin, f"{function.__name__}: audit belongs to admin changes"
            assert hot is None or not changes_as_admin, f"{function.__name__}: a change by an admin leaves an audit"
            returned = hints.get("return")
            is_plain = returned is None or returned is type(None) or _is_response(returned)
            is_encoded = returned is bytes
            assert answer is None or is_plain or is_encoded, f"{function.__name__} says twice what it answers"
            assert answer is not None or not is_encoded, f"{function.__name__} must say what its bytes hold"
            self.operations.append(
                Operation(
                    name=function.__name__,
                    tag=self.tag,
                    method=method,
                    path=self.prefix + path,
                    family=self.family,
                    function=function,
                    caller=caller,
                    status=status,
                    # What is kept in memory has a tag, and who has the same bytes gets none.
                    statuses=(status, *statuses, *((304,) if hot is not None and not writes else ())),
                    errors=tuple(errors),
                    invalid=invalid or self.family.invalid,
                    repeat=repeat or (Repeat.ATOMIC if writes else Repeat.NEVER),
                    audit=audit,
                    body_bytes_max=body_bytes_max,
                    in_document=self.in_document,
                    summary=inspect.cleandoc(function.__doc__).splitlines()[0],
                    encode=bytes if is_encoded else None if is_plain else _encoder(returned),
                    answer_type=answer if is_plain or is_encoded else returned,
                    media_type=_media_type_of(returned) if answer is None else None,
                    hot=hot,
                    bind=bind,
                )
            )
            return function

        return declare


async def current_call(request: Request) -> Any:
    """The call that the route has identified before anything else of the request was read."""
    return request.scope["haversack.call"]


def bound_signature(operation: Operation) -> inspect.Signature:
    """The operation's signature as FastAPI reads it: its call comes from the identified caller."""
    signature = inspect.signature(operation.function, eval_str=True)
    parameters = [
        parameter.replace(annotation=Annotated[operation.caller, Depends(current_call)])
        if parameter.name == "call"
        else parameter
        for parameter in signature.parameters.values()
    ]
    return signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)


def _encoder(answer: Any) -> Callable[[Any], bytes]:
    # Pydantic prepares an answer's form when it is first given, not for hundreds of operations at each start.
    made = cache(lambda: _made_encoder(answer))
    return lambda value: made()(value)


def _made_encoder(answer: Any) -> Callable[[Any], bytes]:
    members = get_args(answer) if get_origin(answer) in (UnionType, Union) else ()
    if len(members) < 2 or not all(get_origin(member) is list for member in members):
        return TypeAdapter(answer).dump_json
    # Pydantic would try every member of the union on the whole list: the first element says which one it is.
    encoders = {get_args(member)[0]: TypeAdapter(member).dump_json for member in members}
    return lambda value: encoders[type(value[0])](value) if value else b"[]"


def _is_response(answer: Any) -> bool:
    return isinstance(answer, type) and issubclass(answer, Response)


def _media_type_of(answer: Any) -> str | None:
    """What a class of responses says of all its answers, such as PlainTextResponse: text/plain."""
    return answer.media_type if _is_response(answer) else None


def _caller_of(function: Callable[..., Any], hints: dict[str, Any]) -> type[Call]:
    caller = hints.get("call")
    assert isinstance(caller, type) and issubclass(caller, Call) and caller is not Call, (
        f"{function.__name__} must say who calls: its first parameter is `call: PlayerCall` or another …Call"
    )
    return caller
