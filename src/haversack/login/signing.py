"""Signing keys, and the two steps of reading a token: what it says of itself, then whether its signature holds."""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from haversack.login.records import Algorithm, PublicKey

Key = OctKey | RSAKey | ECKey | OKPKey

RSA_BITS = 2048
TOKEN_LENGTH_MAX = 8_192


class TokenMalformed(Exception):
    """Not a signed token at all."""


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token says of itself: to find the key with, and to be believed only when the signature holds."""

    token: str
    algorithm: str
    kid: str | None
    claims: dict[str, Any]
    # Of the signed part alone: a signature may be written in several ways, the signed part in one.
    token_hash: bytes


def read_token(token: str) -> UnverifiedToken:
    """Take a compact token apart without believing it; TokenMalformed where it is none."""
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise TokenMalformed
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    if not head or not body or not signature or "." in body:
        raise TokenMalformed
    header, claims = _json_of(head), _json_of(body)
    algorithm, kid = header.get("alg"), header.get("kid")
    # A critical header that nobody here understands must lead to refusal (RFC 7515, 4.1.11).
    if not isinstance(algorithm, str) or "crit" in header or not (kid is None or isinstance(kid, str)):
        raise TokenMalformed
    return UnverifiedToken(token, algorithm, kid, claims, hashlib.sha256(signed.encode()).digest())


def _json_of(part: str) -> dict[str, Any]:
    try:
        value = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (Base64Error, ValueError):
        raise TokenMalformed from None
    if not isinstance(value, dict):
        raise TokenMalformed
    return value


def has_valid_signature(token: UnverifiedToken, key: Key, algorithms: Sequence[str]) -> bool:
    """Whether the signature was made with the key, by one of the algorithms that the key is for."""
    if token.algorithm not in algorithms:
        return False
    try:
        # Headers of other issuers may hold members that nobody registered; `crit` was refused above.
        registry = jws.JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
        jws.deserialize_compact(token.token, key, registry=registry)
    except (JoseError, ValueError, TypeError):
        return False
    return True


def sign(claims: dict[str, Any], key: Key, algorithm: Algorithm, *, kid: str | None) -> str:
    """The signed token. Only RS256 tokens name their key, as the wire has it."""
    header = {"alg": str(algorithm), "typ": "JWT"}
    if kid is not None:
        header["kid"] = kid
    return jws.serialize_compact(header, orjson.dumps(claims), key, algorithms=[str(algorithm)])


def secret_key(secret: bytes) -> OctKey:
    """The key of a shared secret."""
    return OctKey.import_key(secret)


def new_secret() -> bytes:
    """A fresh HS256 secret of 256 random bits, as text that fits into settings of game servers."""
    return secrets.token_urlsafe(32).encode()


def new_key_pair() -> tuple[PublicKey, bytes]:
    """A fresh RSA pair: the public half, and the private one as PEM. Takes a tenth of a second of CPU."""
    key = RSAKey.generate_key(RSA_BITS)
    public = key.as_dict(private=False)
    modulus, exponent = hex_of(str(public["n"])), hex_of(str(public["e"]))
    kid = hashlib.sha256(f"{modulus}:{exponent}".encode()).hexdigest()[:32]
    return PublicKey(kid, modulus, exponent), key.as_pem(private=True)


def private_key(pem: bytes) -> RSAKey:
    """The key of a private PEM."""
    return RSAKey.import_key(pem)


def public_key(public: PublicKey) -> RSAKey:
    """The key that verifies."""
    return RSAKey.import_key({"kty": "RSA", "n": base64_of(public.modulus), "e": base64_of(public.exponent)})


def hex_of(base64_number: str) -> str:
    """A base64url number in lower-case hexadecimal without leading zeros: 10001."""
    number = urlsafe_b64decode(base64_number + "=" * (-len(base64_number) % 4))
    return f"{int.from_bytes(number, 'big'):x}"


def base64_of(hex_number: str) -> str:
    """A hexadecimal number in base64url without padding: AQAB."""
    number = bytes.fromhex(hex_number if len(hex_number) % 2 == 0 else f"0{hex_number}")
    return urlsafe_b64encode(number).rstrip(b"=").decode()
