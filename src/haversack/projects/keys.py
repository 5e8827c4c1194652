"""API keys, client secrets and host ids: how they are made, recognised and hashed. Pure: no database, no clock.

A key is `<prefix>_<32 base62 characters><6 base62 characters of checksum>`. The prefix lets secret scanners find it,
the checksum refuses a typing error without a look-up.
"""

import hashlib
import re
import secrets
import zlib
from enum import StrEnum

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LENGTH = 32
CHECKSUM_LENGTH = 6


class KeyKind(StrEnum):
    """What a key opens. `test` keys are for development: to production servers they are no keys (`may_open`)."""

    PROJECT_LIVE = "hspk_live"
    PROJECT_TEST = "hspk_test"
    MERCHANT_LIVE = "hsmk_live"
    MERCHANT_TEST = "hsmk_test"
    CLIENT_LIVE = "hscs_live"
    CLIENT_TEST = "hscs_test"


KEY_PATTERN = re.compile(rf"^({'|'.join(KeyKind)})_([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})$")


def new_key(kind: KeyKind) -> str:
    """A fresh key with 190 random bits."""
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    return f"{kind}_{secret}{_checksum(kind, secret)}"


def is_well_formed(key: str) -> bool:
    """Whether the key has a known prefix and its checksum fits: false for any typing error."""
    match = KEY_PATTERN.match(key)
    return match is not None and match[3] == _checksum(match[1], match[2])


def is_test_key(key: str) -> bool:
    """Whether the key, or the hint of it that is stored, was made for development."""
    return "_test_" in key[:12]


def may_open(key: str, *, is_development: bool) -> bool:
    """Whether a key opens anything on this server: what was made on a laptop must not open a shop that players use."""
    return is_development or not is_test_key(key)


def hash_of(secret: str) -> bytes:
    """What is stored instead of a key or host id. They are long and random, so one SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).digest()


def hint_of(key: str) -> str:
    """Enough of a key to tell it from others in a list."""
    return f"{key[:10]}…{key[-4:]}"


def _checksum(prefix: str, secret: str) -> str:
    number = zlib.crc32(f"{prefix}_{secret}".encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
