"""Reads a large JSON file element by element, because a whole one would hold the event loop for too long.

Each element is read by the reader that reads smaller files whole; here it is only told where the elements end.
"""

import json
import re
from typing import Any

import orjson

from haversack.turns import Turns

# What a reader that holds the loop is given at once: some milliseconds.
WHOLE_BYTES_MAX = 500_000
# The mark at the beginning of a file that Windows writes.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_decoder = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\n\r]*")


class _NotPlain(Exception):
    """The file is no object of arrays and other values, or it is not JSON at all."""


async def read_json(raw: bytes) -> Any:
    """What a JSON file holds; orjson.JSONDecodeError where it is not valid."""
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    if len(raw) > WHOLE_BYTES_MAX:
        try:
            return await _read_members(raw.decode(), Turns())
        except (_NotPlain, ValueError, RecursionError):
            pass  # read whole, it is told what is wrong with it
    return orjson.loads(raw)


async def _read_members(text: str, turns: Turns) -> dict[str, Any]:
    """The members of an object, an array's elements with chances for others to run between them."""
    members: dict[str, Any] = {}
    at = _expected(text, 0, "{")
    while True:
        if text[at : at + 1] != '"':
            raise _NotPlain  # an empty object is not large
        key, at = _read_value(text, at)
        at = _expected(text, at, ":")
        if text[at : at + 1] == "[":
            members[key], at = await _read_elements(text, at, turns)
        else:
            members[key], at = _read_value(text, at)
        at = _after_blanks(text, at)
        if text[at : at + 1] != ",":
            break
        at = _after_blanks(text, at + 1)
    if _expected(text, at, "}") != len(text):
        raise _NotPlain
    return members


async def _read_elements(text: str, at: int, turns: Turns) -> tuple[list[Any], int]:
    at = _after_blanks(text, at + 1)
    elements: list[Any] = []
    if text[at : at + 1] == "]":
        return elements, at + 1
    while True:
        element, at = _read_value(text, at)
        elements.append(element)
        await turns.offer()
        at = _after_blanks(text, at)
        if text[at : at + 1] != ",":
            break
        at = _after_blanks(text, at + 1)
    if text[at : at + 1] != "]":
        raise _NotPlain
    return elements, at + 1


def _read_value(text: str, at: int) -> tuple[Any, int]:
    _, end = _decoder.raw_decode(text, at)
    return orjson.loads(text[at:end]), end


def _expected(text: str, at: int, letter: str) -> int:
    """Where it goes on behind a letter that must stand here."""
    at = _after_blanks(text, at)
    if text[at : at + 1] != letter:
        raise _NotPlain
    return _after_blanks(text, at + 1)


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    assert blanks is not None, "no blanks are blanks too"
    return blanks.end()
