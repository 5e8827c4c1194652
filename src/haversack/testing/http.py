"""Calls to the server under test with the standard library alone: users' tests bring clients of their own."""

import json
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60


class Refused(AssertionError):
    """The server has refused a call that a helper made. `status` and `answer` are what it said."""

    def __init__(self, call: str, status: int, answer: Any) -> None:
        super().__init__(f"{call}: {status} {answer}")
        self.status = status
        self.answer = answer


def basic(username: str, password: str) -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"}


def call(base_url: str, method: str, path: str, body: Any = None, *, headers: Mapping[str, str]) -> Any:
    """Make a call and return its answer read as JSON, None where it is empty; Refused from status 400 on."""
    address = urlsplit(base_url)
    assert address.hostname is not None
    connection = HTTPConnection(address.hostname, address.port, timeout=TIMEOUT_SECONDS)
    try:
        sent = None if body is None else json.dumps(body).encode()
        typed = {} if sent is None else {"Content-Type": "application/json"}
        connection.request(method, path, body=sent, headers={**headers, **typed})
        reply = connection.getresponse()
        raw = reply.read()
    finally:
        connection.close()
    try:
        answer = json.loads(raw) if raw else None
    except ValueError:
        answer = raw.decode(errors="replace")
    if reply.status >= 400:
        raise Refused(f"{method} {path}", reply.status, answer)
    return answer
