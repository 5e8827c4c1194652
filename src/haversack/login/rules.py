"""What names, codes, claims and attributes must look like. Pure: no database, no clock, no randomness."""

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from numbers import Real
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID, uuid5

from haversack.errors import Fault
from haversack.login.records import Client, ClientKind, Grant, Player

# The issuer of our own tokens. Clients of the wire may hold `iss` against this address, and the Go SDK's users do; so
# it does not change with the address under which the server is reached. Tokens are told apart from those of any other
# server by their signature and `xsolla_login_project_id`, never by the issuer alone.
ISSUER = "https://login.xsolla.com"
# Always allowed: the SDKs send it unless told otherwise, and it leads nowhere.
DEFAULT_REDIRECT_URI = "https://login.xsolla.com/api/blank"

SERVER_TOKEN_SECONDS = 3_600
CODE_LIFE = timedelta(minutes=10)
LINKING_CODE_LIFE = timedelta(minutes=10)
REFRESH_TOKEN_LIFE = timedelta(days=60)

PASSWORD_ATTEMPTS_MAX = 10
PASSWORD_WINDOW = timedelta(minutes=15)
LINKING_ATTEMPTS_MAX = 5
LINKING_WINDOW = timedelta(minutes=10)

STATE_LENGTH_MIN = 8
LINKING_CODE_DIGITS = 6
ATTRIBUTES_MAX = 256
OFFLINE = "offline"
GROUP_ID = 1
GROUP_NAME = "default"

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def name_key(name: str) -> str:
    """The form in which names and addresses are compared: case and the ways of writing a character do not matter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_account_names(*, username: str | None, email: str | None) -> list[Fault]:
    """What is wrong with the names of a new account."""
    faults = []
    if email is not None and not _EMAIL.fullmatch(email):
        faults.append(Fault("email", "must be an e-mail address"))
    # A name that is another's address would catch the sign-ins that are meant for that other.
    if username is not None and "@" in username and (email is None or name_key(username) != name_key(email)):
        faults.append(Fault("username", "may be an e-mail address only if it is the account's own"))
    if username is not None and username != username.strip():
        faults.append(Fault("username", "must not begin or end with a space"))
    return faults


def tag_of(player_id: UUID) -> str:
    """Four digits that tell players of one nickname apart."""
    return f"{player_id.int % 10_000:04}"


def find_redirect_uri(client: Client, asked: str | None) -> str | None:
    """The address to return to, or None where the client has not registered it."""
    if asked is None:
        return DEFAULT_REDIRECT_URI
    return asked if asked == DEFAULT_REDIRECT_URI or asked in client.redirect_uris else None


def login_url(redirect_uri: str, *, code: str, state: str) -> str:
    """The address of return with the code, keeping what its query held before."""
    parts = urlsplit(redirect_uri)
    added = urlencode({"code": code, "state": state})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def challenge_of(verifier: str) -> str:
    """The S256 challenge that belongs to a PKCE verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_secret_of(client: Client, secret_hash: bytes | None) -> bool:
    """Whether the client has shown its secret; in constant time. Public clients have none to show."""
    if client.kind is ClientKind.PUBLIC:
        return True
    return hmac.compare_digest(client.secret_hash or b"", secret_hash or b"")


def scopes_of(scope: str) -> list[str]:
    """The single scopes of a scope parameter, each once."""
    return list(dict.fromkeys(scope.split()))


def jti_of(token_id: UUID, *, generation: int) -> str:
    """The id of a token, which also holds the player's token generation: no clock decides what a logout has ended."""
    return f"{generation}-{token_id}"


def generation_of(jti: object) -> int | None:
    """The token generation that an id of ours holds, or None."""
    head, _, rest = jti.partition("-") if isinstance(jti, str) else ("", "", "")
    return int(head) if rest and head.isascii() and head.isdigit() and len(head) <= 9 else None


def player_claims(
    player: Player, grant: Grant, *, merchant_id: int, token_id: UUID, now: datetime, life: timedelta
) -> dict[str, Any]:
    """The claims of a player's token."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "aud": [grant.audience] if grant.audience else [],
        "exp": issued + int(life.total_seconds()),
        "groups": [{"id": GROUP_ID, "name": GROUP_NAME, "is_default": True}],
        "iat": issued,
        "is_master": True,
        "iss": ISSUER,
        "jti": jti_of(token_id, generation=player.token_generation),
        "promo_email_agreement": player.promo_email_agreement,
        "publisher_id": merchant_id,
        "scp": scopes_of(grant.scope),
        "sub": str(player.player_id),
        "type": str(grant.login_type),
        "xsolla_login_project_id": str(player.login_project_id),
    }
    optional = {
        "username": player.username,
        "email": player.email,
        "payload": grant.payload,
        "external_account_id": player.external_account_id,
    }
    return claims | {name: value for name, value in optional.items() if value is not None}


def server_claims(client: Client, *, merchant_id: int, now: datetime) -> dict[str, Any]:
    """The claims of a server's token. No `sub`: that is what tells it from a player's."""
    issued = int(now.timestamp())
    return {
        "client_id": client.client_id,
        "exp": issued + SERVER_TOKEN_SECONDS,
        "iat": issued,
        "iss": ISSUER,
        "publisher_id": merchant_id,
        "xsolla_login_project_id": str(client.login_project_id),
    }


def parse_uuid(text: object) -> UUID | None:
    """A uuid in its plain form with hyphens, or None."""
    return UUID(text) if isinstance(text, str) and _UUID.fullmatch(text) else None


def outside_player_id(login_project_id: UUID, subject: str) -> UUID:
    """The player of an outside issuer's subject: itself where it is a uuid, else one that is always the same."""
    return parse_uuid(subject) or uuid5(login_project_id, subject)


def outside_name(claims: Mapping[str, Any]) -> str | None:
    """What an outside token calls its player."""
    for claim in ("nickname", "preferred_username", "username", "name"):
        value = claims.get(claim)
        if isinstance(value, str) and value.strip():
            return value.strip()[:255]
    return None


def text_of_value(value: object) -> tuple[str, str] | None:
    """The text under which an attribute's value is kept, and its type; None for what is no single value."""
    if isinstance(value, str):
        return value, "string"
    if isinstance(value, bool):
        return ("true" if value else "false"), "boolean"
    if isinstance(value, int):
        return str(value), "integer"
    # What remains of numbers are those with a fraction.
    return (repr(value), "number") if isinstance(value, Real) else None


def fits_data_type(value: str, data_type: str) -> bool:
    """Whether an attribute's text is of the type that it claims."""
    if data_type == "boolean":
        return value in ("true", "false")
    if data_type == "integer":
        return value.isascii() and _INTEGER.fullmatch(value) is not None
    if data_type == "number":
        return value.isascii() and _NUMBER.fullmatch(value) is not None
    return True


def check_attribute_values(values: Sequence[tuple[str, str]]) -> list[Fault]:
    """What is wrong with the values of attributes, given with their types."""
    return [
        Fault(f"attributes.{index}.value", f"must be a text of type {data_type}")
        for index, (value, data_type) in enumerate(values)
        if not fits_data_type(value, data_type)
    ]


def repeated_keys(keys: Sequence[str]) -> list[Fault]:
    """The keys that stand in a list of changes more than once, so that nobody could say which one counts."""
    seen: set[str] = set()
    faults = []
    for index, key in enumerate(keys):
        if key in seen:
            faults.append(Fault(f"attributes.{index}.key", f"{key} stands in the list before"))
        seen.add(key)
    return faults


def keys_to_remove(removing: Sequence[str], changed: Sequence[str]) -> list[str]:
    """What is really removed: a key that is also set survives. In one order for everybody."""
    return sorted(set(removing) - set(changed))


def check_birthday(birthday: date, *, today: date) -> list[Fault]:
    """What is wrong with a day of birth."""
    if birthday > today:
        return [Fault("birthday", "must not lie in the future")]
    if birthday.year < 1900:
        return [Fault("birthday", "must not lie before 1900")]
    return []
