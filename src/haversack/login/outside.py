"""The keys of outside issuers: fetched from their address, kept for ten minutes, asked for again when one is new."""

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from haversack.login.signing import Key, base64_of
from haversack.outbound.client import OutboundClient, OutboundFailure

log = logging.getLogger("haversack.login")

KEPT_SECONDS = 600.0
# Whoever sends made-up `kid`s must not make us ask the issuer each time; nor must an issuer that does not answer.
ASKED_AGAIN_SECONDS = 30.0
TIMEOUT_SECONDS = 5.0
KEY_SET_BYTES_MAX = 200_000
KEYS_MAX = 100
ADDRESSES_MAX = 1_000

_TYPES: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class KeysUnavailable(Exception):
    """The issuer's keys could not be fetched, and none are remembered."""


@dataclass(slots=True)
class _KeySet:
    """The keys of one address; moments of the monotonic clock."""

    keys: dict[str | None, Key] = field(default_factory=dict)
    fetched_at: float | None = None
    asked_at: float | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_fresh(self, moment: float) -> bool:
        return self.fetched_at is not None and moment - self.fetched_at < KEPT_SECONDS

    def may_ask(self, moment: float) -> bool:
        return self.asked_at is None or moment - self.asked_at >= ASKED_AGAIN_SECONDS


class OutsideKeys:
    """Finds the key of an outside token by the issuer's address and `kid`. Never to be used inside a transaction."""

    def __init__(self, outbound: OutboundClient) -> None:
        self._outbound = outbound
        self._sets: OrderedDict[str, _KeySet] = OrderedDict()

    async def find_key(self, url: str, kid: str | None) -> Key | None:
        """The key, or None where the issuer has no such key; KeysUnavailable where it cannot be asked."""
        known = self._sets.setdefault(url, _KeySet())
        self._sets.move_to_end(url)
        if len(self._sets) > ADDRESSES_MAX:
            self._sets.popitem(last=False)
        if not known.is_fresh(time.monotonic()) or _choose(known.keys, kid) is None:
            async with known.lock:
                # Another request may have asked while this one waited.
                moment = time.monotonic()
                is_missing = _choose(known.keys, kid) is None
                if (is_missing or not known.is_fresh(moment)) and known.may_ask(moment):
                    await self._fetch(url, known)
        # Keys that could not be renewed still verify: an issuer that is away must not lock its players out.
        if known.fetched_at is None:
            raise KeysUnavailable
        return _choose(known.keys, kid)

    async def _fetch(self, url: str, known: _KeySet) -> None:
        known.asked_at = time.monotonic()
        try:
            reply = await self._outbound.send(
                "GET",
                url,
                headers={"Accept": "application/json"},
                timeout_seconds=TIMEOUT_SECONDS,
                response_bytes_max=KEY_SET_BYTES_MAX,
            )
        except OutboundFailure as failure:
            log.warning("the keys of an outside issuer could not be fetched: %s", failure.reason)
            return
        if reply.status != 200 or reply.is_cut:
            log.warning("the keys of an outside issuer could not be fetched: status %s", reply.status)
            return
        keys = parse_key_set(reply.body)
        if keys is None:
            log.warning("the keys of an outside issuer could not be read: no JWK Set")
            return
        known.keys, known.fetched_at = keys, time.monotonic()


def _choose(keys: dict[str | None, Key], kid: str | None) -> Key | None:
    if kid is not None:
        return keys.get(kid)
    # A token that names no key can only mean the one there is.
    return next(iter(keys.values())) if len(keys) == 1 else None


def parse_key_set(body: bytes) -> dict[str | None, Key] | None:
    """The signature keys of a JWK Set, or of the bare array with hexadecimal numbers that Login's own keys call
    gives; None where it is neither. Keys of unknown kinds are passed over."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    is_bare = isinstance(value, list)
    listed = value if is_bare else value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        return None
    keys: dict[str | None, Key] = {}
    for entry in listed[:KEYS_MAX]:
        key = _parse_key(entry, is_hex=is_bare) if isinstance(entry, dict) else None
        if key is not None:
            kid = entry.get("kid")
            keys[kid if isinstance(kid, str) else None] = key
    return keys


def _parse_key(entry: dict[str, Any], *, is_hex: bool) -> Key | None:
    kind = _TYPES.get(str(entry.get("kty")))
    if kind is None or entry.get("use", "sig") != "sig":
        return None
    try:
        if is_hex:
            entry = {"kty": "RSA", "n": base64_of(str(entry["n"])), "e": base64_of(str(entry["e"]))}
        # Only the public half is of any use here, whatever the issuer has published.
        public: dict[str, str | list[str]] = {
            name: entry[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in entry
        }
        return kind.import_key(public)
    except (JoseError, KeyError, ValueError, TypeError):
        return None
