"""Signatures of webhooks: the wire's own `Authorization: Signature`, and beside it those of Standard Webhooks."""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from haversack import __version__

USER_AGENT = f"Haversack/{__version__}"
STANDARD_PREFIX = "whsec_"
STALE_AFTER = timedelta(minutes=5)


def wire_signature(body: bytes, secret: str) -> str:
    """Lower-case hex of sha1 over the body followed by the secret. It is no HMAC; the wire wants it so."""
    return hashlib.sha1(body + secret.encode(), usedforsecurity=False).hexdigest()


def standard_key(secret: str) -> bytes:
    """The key of the Standard Webhooks HMAC: the bytes of the text secret.

    A secret that is already written as `whsec_<base64>` means the bytes it encodes, as in every library.
    """
    if secret.startswith(STANDARD_PREFIX):
        try:
            return b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            return secret.encode()
    return secret.encode()


def standard_secret(secret: str) -> str:
    """The secret as a Standard Webhooks library wants it: `whsec_` and base64 of the key."""
    return STANDARD_PREFIX + b64encode(standard_key(secret)).decode()


def standard_signature(body: bytes, secret: str, *, event_id: str, timestamp: int) -> str:
    """`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`."""
    content = b"%s.%d.%s" % (event_id.encode(), timestamp, body)
    return "v1," + b64encode(hmac.digest(standard_key(secret), content, "sha256")).decode()


def signed_headers(body: bytes, secrets: Sequence[str], *, event_id: str, now: datetime) -> dict[str, str]:
    """Every header of a webhook. `now` is real time; the first secret is the current one.

    The wire's own signature has room for one secret. After a rotation it is made with the new one.
    """
    assert "." not in event_id, "Standard Webhooks separates the signed parts by dots"
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
        "Authorization": f"Signature {wire_signature(body, secrets[0])}",
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            standard_signature(body, secret, event_id=event_id, timestamp=timestamp) for secret in secrets
        ),
    }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a receiver finds about a webhook's signatures; a sentence each where one does not hold."""

    wire: str | None
    standard: str | None

    @property
    def is_genuine(self) -> bool:
        """Whether both signatures hold."""
        return self.wire is None and self.standard is None


def verify_signatures(body: bytes, headers: Mapping[str, str], secret: str, *, now: datetime) -> Verdict:
    """Check both signatures as a receiver does; names of `headers` in lower case, `now` in real time."""
    return Verdict(wire=_wire_fault(body, headers, secret), standard=_standard_fault(body, headers, secret, now))


def _wire_fault(body: bytes, headers: Mapping[str, str], secret: str) -> str | None:
    given = headers.get("authorization")
    if given is None:
        return "no Authorization header"
    if not hmac.compare_digest(given.encode(), f"Signature {wire_signature(body, secret)}".encode()):
        return "the Authorization header does not fit the body and the secret"
    return None


def _standard_fault(body: bytes, headers: Mapping[str, str], secret: str, now: datetime) -> str | None:
    event_id, written, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not event_id or not given or not (written.isascii() and written.isdigit() and len(written) <= 12):
        return "webhook-id, webhook-timestamp or webhook-signature is missing"
    timestamp = int(written)
    if abs(now.timestamp() - timestamp) > STALE_AFTER.total_seconds():
        return "webhook-timestamp is more than five minutes away from now"
    wanted = standard_signature(body, secret, event_id=event_id, timestamp=timestamp).encode()
    if not any(hmac.compare_digest(each.encode(), wanted) for each in given.split()):
        return "webhook-signature does not fit the id, the timestamp, the body and the secret"
    return None
