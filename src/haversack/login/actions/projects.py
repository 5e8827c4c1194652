"""Making login projects and clients, rotating their keys, and choosing whose tokens they trust."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from haversack.clock import real_now
from haversack.database.engine import Session
from haversack.database.notifications import notify
from haversack.errors import LOGIN, LOGIN_PROJECT_NOT_FOUND
from haversack.http.calls import Call
from haversack.login.queries import projects as queries
from haversack.login.records import Algorithm, ClientKind, LoginProject, PublicKey
from haversack.login.signing import new_key_pair, new_secret
from haversack.login.tokens import LOGIN_CHANGED, project_changed
from haversack.projects.keys import KeyKind, hash_of, new_key
from haversack.sealing import Sealer

TOKEN_SECONDS = 86_400
TOKEN_SECONDS_MIN, TOKEN_SECONDS_MAX = 60, 90 * 86_400
# More keys than this verify at once only if somebody rotates without need.
KEYS_MAX = 10
OUTSIDE_SECRET_BYTES_MIN = 32


async def create_login_project(
    db: Session,
    sealer: Sealer,
    *,
    merchant_id: int,
    name: str,
    algorithm: Algorithm = Algorithm.HS256,
    token_seconds: int = TOKEN_SECONDS,
    requires_confirmation: bool = False,
    secret: bytes | None = None,
    login_project_id: UUID | None = None,
) -> UUID:
    """A new login project with an id and a secret of its own (or the given ones, of a project that moves here), and
    with an RSA pair where it signs with one."""
    login_project_id = login_project_id or uuid4()
    async with db.begin():
        await queries.add_login_project(
            db,
            login_project_id=login_project_id,
            merchant_id=merchant_id,
            name=name,
            algorithm=algorithm,
            secret_sealed=sealer.seal(secret or new_secret()),
            token_seconds=_checked_seconds(token_seconds),
            requires_confirmation=requires_confirmation,
        )
        if algorithm is Algorithm.RS256:
            await _add_signing_key(db, sealer, login_project_id, now=real_now())
    return login_project_id


async def create_client(
    db: Session,
    *,
    login_project_id: UUID,
    name: str,
    kind: ClientKind = ClientKind.SERVER,
    secret_kind: KeyKind = KeyKind.CLIENT_LIVE,
    redirect_uris: Sequence[str] = (),
) -> tuple[int, str]:
    """A new client: its number and its secret, which is shown this once; empty for a public client."""
    secret = "" if kind is ClientKind.PUBLIC else new_key(secret_kind)
    client_id = await queries.add_client(
        db,
        login_project_id=login_project_id,
        kind=kind,
        name=name,
        secret_hash=hash_of(secret) if secret else None,
        redirect_uris=redirect_uris,
    )
    return client_id, secret


async def rotate_signing_key(db: Session, sealer: Sealer, login_project_id: UUID, *, now: datetime) -> PublicKey:
    """A new RSA pair signs from now on; the old one verifies until the tokens that it signed have expired."""
    async with db.begin():
        project = await _lock(db, sealer, login_project_id)
        present = await queries.list_keys(db, login_project_id, now=now)
        if len(present) >= KEYS_MAX:
            frees = min(key.verifies_until for key in present if key.verifies_until is not None)
            seconds = max(1, int((frees - now).total_seconds()))
            raise LOGIN.too_many(seconds=seconds, retry_after=seconds)
        await queries.retire_keys(db, login_project_id, until=now + timedelta(seconds=project.token_seconds))
        key = await _add_signing_key(db, sealer, login_project_id, now=now)
        await notify(db, LOGIN_CHANGED, project_changed(login_project_id))
    return key


async def rotate_signing_key_for(call: Call, login_project_id: UUID) -> PublicKey:
    """Rotate for a caller; this process knows the new key as soon as it is committed."""
    key = await rotate_signing_key(call.db, call.context.sealer, login_project_id, now=call.now)
    changed = project_changed(login_project_id)
    call.after_commit.append(lambda: call.context.notifications.publish_locally(LOGIN_CHANGED, changed))
    return key


async def set_algorithm(db: Session, sealer: Sealer, login_project_id: UUID, algorithm: Algorithm) -> None:
    """Sign with another algorithm. Tokens that were signed with the secret are refused once RS256 is chosen."""
    async with db.begin():
        await _lock(db, sealer, login_project_id)
        if algorithm is Algorithm.RS256 and await queries.find_signing_key(db, login_project_id) is None:
            await _add_signing_key(db, sealer, login_project_id, now=real_now())
        await queries.set_algorithm(db, login_project_id, algorithm)
        await notify(db, LOGIN_CHANGED, project_changed(login_project_id))


async def set_token_seconds(db: Session, sealer: Sealer, login_project_id: UUID, seconds: int) -> None:
    """How long players' tokens live from now on; ValueError outside a minute and 90 days."""
    async with db.begin():
        await _lock(db, sealer, login_project_id)
        await queries.set_token_seconds(db, login_project_id, _checked_seconds(seconds))
        await notify(db, LOGIN_CHANGED, project_changed(login_project_id))


async def require_confirmation(db: Session, sealer: Sealer, login_project_id: UUID, *, is_required: bool) -> None:
    """Whether accounts that register from now on must be confirmed (`confirm_player`) before they sign in."""
    async with db.begin():
        await _lock(db, sealer, login_project_id)
        await queries.set_confirmation(db, login_project_id, is_required=is_required)
        await notify(db, LOGIN_CHANGED, project_changed(login_project_id))


async def trust_outside_issuer(
    db: Session,
    sealer: Sealer,
    login_project_id: UUID,
    *,
    issuer: str,
    audience: str | None = None,
    jwks_url: str | None = None,
    secret: bytes | None = None,
) -> None:
    """Trust players' tokens of an outside issuer, by the address of its keys or by a shared secret, instead of own
    accounts; ValueError unless exactly one is given. An `audience` must then stand in each token."""
    if (jwks_url is None) == (secret is None):
        raise ValueError("an outside issuer has either an address of keys or a shared secret")
    if secret is not None and len(secret) < OUTSIDE_SECRET_BYTES_MIN:
        raise ValueError(f"the shared secret must have at least {OUTSIDE_SECRET_BYTES_MIN} bytes")
    await _set_outside(
        db,
        sealer,
        login_project_id,
        issuer=issuer,
        audience=audience,
        jwks_url=jwks_url,
        secret_sealed=None if secret is None else sealer.seal(secret),
    )


async def trust_own_accounts(db: Session, sealer: Sealer, login_project_id: UUID) -> None:
    """Trust the login project's own accounts again, and no outside issuer."""
    await _set_outside(db, sealer, login_project_id, issuer=None, audience=None, jwks_url=None, secret_sealed=None)


async def _set_outside(
    db: Session,
    sealer: Sealer,
    login_project_id: UUID,
    *,
    issuer: str | None,
    audience: str | None,
    jwks_url: str | None,
    secret_sealed: bytes | None,
) -> None:
    async with db.begin():
        await _lock(db, sealer, login_project_id)
        await queries.set_outside_issuer(
            db,
            login_project_id,
            issuer=issuer,
            audience=audience,
            jwks_url=jwks_url,
            secret_sealed=secret_sealed,
        )
        await notify(db, LOGIN_CHANGED, project_changed(login_project_id))


async def _lock(db: Session, sealer: Sealer, login_project_id: UUID) -> LoginProject:
    project = await queries.lock_login_project(db, sealer, login_project_id)
    if project is None:
        raise LOGIN_PROJECT_NOT_FOUND()
    return project


async def _add_signing_key(db: Session, sealer: Sealer, login_project_id: UUID, *, now: datetime) -> PublicKey:
    key, private = await asyncio.to_thread(new_key_pair)
    await queries.add_signing_key(db, login_project_id, key, private_key_sealed=sealer.seal(private), now=now)
    return key


def _checked_seconds(seconds: int) -> int:
    if not TOKEN_SECONDS_MIN <= seconds <= TOKEN_SECONDS_MAX:
        raise ValueError(f"tokens live {TOKEN_SECONDS_MIN} to {TOKEN_SECONDS_MAX} seconds")
    return seconds
