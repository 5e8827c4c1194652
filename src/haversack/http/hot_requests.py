"""What operations that answer from memory share: the headers that they look at, and the addresses that they know."""

from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

from starlette.types import Scope

from haversack.http.browsers import EXPOSED

ADDRESSES_KEPT_MAX = 20_000
ADDRESS_BYTES_MAX = 2_000

Known = TypeVar("Known")


class HotHeaders(NamedTuple):
    """What a request says of its caller. `exposed`: what its answer tells a browser, where it comes from one."""

    authorization: bytes
    if_none_match: bytes
    country: bytes
    exposed: tuple[tuple[bytes, bytes], ...]


def hot_headers(scope: Scope) -> HotHeaders:
    """The headers that an answer from memory may depend on."""
    authorization = if_none_match = country = b""
    exposed: tuple[tuple[bytes, bytes], ...] = ()
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"if-none-match":
            if_none_match = value
        elif name == b"x-user-country":
            country = value
        elif name == b"origin":
            exposed = (EXPOSED,)
    return HotHeaders(authorization, if_none_match, country, exposed)


class KnownAddresses(Generic[Known]):
    """Addresses that passed every check, by path and query exactly as they were sent. What they ask for follows from
    them alone; whether it is given is decided each time. The oldest are forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[bytes, bytes], Known] = OrderedDict()

    def find(self, scope: Scope) -> Known | None:
        """What an address asks for, if it was asked before."""
        return self._known.get((scope["raw_path"], scope["query_string"]))

    def remember(self, scope: Scope, known: Known) -> None:
        """Know an address from now on."""
        path, query = scope["raw_path"], scope["query_string"]
        if len(path) + len(query) > ADDRESS_BYTES_MAX:
            return
        self._known[path, query] = known
        if len(self._known) > ADDRESSES_KEPT_MAX:
            self._known.popitem(last=False)
