"""What is refused of a request before any operation sees it: wrong media types, broken JSON, NUL characters."""

import json
from itertools import islice
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request

from haversack.errors import Family, Refusal
from haversack.nesting import DEPTH_MAX, is_too_deep

NUL_MESSAGE = "must not contain the NUL character"
# More are not looked for: a body can hold a hundred thousand, and nobody reads so many faults.
NUL_PLACES_MAX = 100


class StrictRequest(Request):
    """A request whose JSON is read by orjson, is not nested too deep, and holds no NUL character, which PostgreSQL
    cannot store."""

    async def json(self) -> Any:
        """The body as plain values, read once; json.JSONDecodeError where it is not JSON."""
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                value = orjson.loads(body)
            except orjson.JSONDecodeError as error:
                # The body is left out of the error: it may hold secrets, and errors are logged.
                raise json.JSONDecodeError(error.msg, "", 0) from None
            if body.count(b"[") + body.count(b"{") > DEPTH_MAX and is_too_deep(value):
                message = f"must not be nested deeper than {DEPTH_MAX} levels"
                raise RequestValidationError([{"type": "depth", "loc": ("body",), "msg": message, "input": ""}])
            if b"\\u0000" in body:
                found = list(islice(_nul_places(value, ("body",)), NUL_PLACES_MAX))
                if found:
                    raise _nul_error(found)
            self._json = value
        return self._json


def _nul_places(value: Any, place: tuple[str | int, ...]) -> Any:
    # Depth is bounded, so recursion is safe.
    if isinstance(value, str):
        if "\x00" in value:
            yield place
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _nul_places(entry, (*place, index))
    elif isinstance(value, dict):
        for key, entry in value.items():
            if "\x00" in key:
                yield (*place, key.replace("\x00", "\\u0000"))
            yield from _nul_places(entry, (*place, key))


def _nul_error(places: list[tuple[str | int, ...]]) -> RequestValidationError:
    return RequestValidationError([{"type": "nul", "loc": place, "msg": NUL_MESSAGE, "input": ""} for place in places])


def check_address(request: Request) -> None:
    """Refuse a path or query that holds NUL characters or is not UTF-8."""
    raw_path = cast(bytes, request.scope.get("raw_path") or request.scope["path"].encode())
    for name, raw in (("path", raw_path), ("query", cast(bytes, request.scope["query_string"]))):
        if b"%" not in raw and raw.isascii():
            continue
        plain = unquote_to_bytes(raw)
        if b"\x00" in plain:
            raise _nul_error([(name, name)])
        try:
            plain.decode()
        except UnicodeDecodeError:
            fault = {"type": "utf8", "loc": (name, name), "msg": "must be UTF-8", "input": ""}
            raise RequestValidationError([fault]) from None


async def check_form(request: Request) -> None:
    """Read a form once, so that its fingerprint can be taken later too, and refuse NUL characters in its fields."""
    await request.body()
    try:
        form = await request.form()
    except ValueError:
        # Python's codecs and the parser of its parts have errors of their own; a sender may name any of the codecs.
        fault = {"type": "form", "loc": ("body",), "msg": "cannot be read", "input": ""}
        raise RequestValidationError([fault]) from None
    fields = [(name, value if isinstance(value, str) else "") for name, value in form.multi_items()]
    names = [name for name, value in fields if "\x00" in name + value]
    if names:
        raise _nul_error([("body", name.replace("\x00", "\\u0000")) for name in names])


def check_media_type(request: Request, family: Family, *, is_form: bool) -> None:
    """Refuse a body of another type than the operation takes. No type at all is read as the expected one."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _unsupported(family, "no content encoding", request.headers["content-encoding"])
    if is_form:
        if given not in ("", "application/x-www-form-urlencoded", "multipart/form-data"):
            raise _unsupported(family, "application/x-www-form-urlencoded", given)
    elif given and not (given == "application/json" or (given.startswith("application/") and given.endswith("+json"))):
        raise _unsupported(family, "application/json", given)


def _unsupported(family: Family, expected: str, actual: str) -> Refusal:
    return family.unsupported_media(expected=expected, actual=actual[:100])


def limited(receive: Any, limit: int, family: Family) -> Any:
    """Count the body as it arrives and stop at the limit, whatever the headers said."""
    seen = 0

    async def counted() -> Any:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                raise family.too_large(limit=limit)
        return message

    return counted


def check_length(request: Request, limit: int, family: Family) -> None:
    """Refuse by the announced length, before anything is read."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise family.too_large(limit=limit)
