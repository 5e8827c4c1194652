"""Tokens: how a token is verified once and then remembered."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from haversack.clock import real_now
from haversack.database.engine import Database, Session
from haversack.database.notifications import Notifications
from haversack.images.once import OnceAtATime
from haversack.login.identities import PlayerIdentity, ServerIdentity
from haversack.login.outside import KeysUnavailable, OutsideKeys
from haversack.login.queries.players import add_player
from haversack.login.queries.projects import find_login_project, list_keys, list_login_projects_of_issuer
from haversack.login.queries.tokens import find_client_standing, find_player_standing
from haversack.login.records import Algorithm, LoginProject, LoginType, NewPlayer, OutsideIssuer, Standing
from haversack.login.remembered import Remembered
from haversack.login.rules import ISSUER, generation_of, outside_name, outside_player_id, parse_uuid
from haversack.login.signing import (
    Key,
    TokenMalformed,
    UnverifiedToken,
    has_valid_signature,
    public_key,
    read_token,
    secret_key,
)
from haversack.outbound.client import OutboundClient
from haversack.personalization.claims import readable_attributes
from haversack.sealing import Sealer

LOGIN_CHANGED = "login"

TOKENS_REMEMBERED = 50_000
PROJECTS_REMEMBERED = 5_000
# Clocks of other issuers may run ahead of ours by this much.
NOT_BEFORE_LEEWAY_SECONDS = 5
OUTSIDE_KEY_ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
)
OUTSIDE_SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")


class TokenRefused(Exception):
    """A token that does not open anything, with a sentence for its sender.

    `subject` says what is unknown where it is not the token itself: `project` or `player`; `is_malformed` that it is
    no token at all.
    """

    def __init__(self, reason: str, *, subject: str | None = None, is_malformed: bool = False) -> None:
        super().__init__(reason)
        self.subject = subject
        self.is_malformed = is_malformed


def project_changed(login_project_id: UUID) -> str:
    """The key under which a changed login project is told of."""
    return str(login_project_id)


def player_changed(login_project_id: UUID, player_id: UUID) -> str:
    """The key under which a player is told of whose tokens may open less than before."""
    return f"{login_project_id}/{player_id}"


def is_of_player(key: str) -> bool:
    """Whether a key of `LOGIN_CHANGED` tells of one player alone."""
    return "/" in key


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token whose signature, issuer and time hold; whether it still opens anything is not said."""

    login_project_id: UUID
    merchant_id: int
    claims: dict[str, Any]
    token_hash: bytes
    expires_at: datetime
    is_outside: bool

    @property
    def is_of_server(self) -> bool:
        """Whether it was given to a server client: only those tokens name a client and nobody else."""
        return not self.is_outside and "client_id" in self.claims and "sub" not in self.claims


@dataclass(frozen=True, slots=True)
class _Trust:
    """A login project as the verifier remembers it: with the keys of its own tokens."""

    project: LoginProject
    secret: Key
    keys: dict[str, tuple[Key, datetime | None]]


class TokenVerifier:
    """Verifies tokens. What was verified is remembered until it expires, is revoked, or its player is logged out or
    banned; nothing is remembered while the process cannot hear of such changes. `outbound` fetches the keys of outside
    issuers."""

    def __init__(
        self, database: Database, notifications: Notifications, sealer: Sealer, outbound: OutboundClient
    ) -> None:
        self._database = database
        self._notifications = notifications
        self._sealer = sealer
        self._outside_keys = OutsideKeys(outbound)
        self._players: Remembered[bytes, PlayerIdentity] = Remembered(TOKENS_REMEMBERED)
        self._servers: Remembered[bytes, ServerIdentity] = Remembered(PROJECTS_REMEMBERED)
        self._projects: Remembered[UUID, _Trust] = Remembered(PROJECTS_REMEMBERED)
        self._checked_players: OnceAtATime[PlayerIdentity] = OnceAtATime()
        self._checked_servers: OnceAtATime[ServerIdentity] = OnceAtATime()
        notifications.subscribe(LOGIN_CHANGED, self._forget)

    def _forget(self, key: str) -> None:
        if not key:
            self._players.forget_all()
            self._servers.forget_all()
            self._projects.forget_all()
            return
        self._players.forget(key)
        if not is_of_player(key):
            self._servers.forget(key)
            self._projects.forget(key)

    def remembered_player(self, token: str) -> PlayerIdentity | None:
        """The player of a token that was verified before and still holds; None says nothing about the token."""
        return self._players.get(_token_key(token), now=real_now())

    async def verify_player(self, token: str) -> PlayerIdentity:
        """The player a token speaks for, or TokenRefused. Who brings one token at the same time shares its check, of
        which nothing was read before they came."""
        key = _token_key(token)
        known = self._players.get(key, now=real_now())
        return known or await self._checked_players.run_after(key, lambda: self._verify_player(token, key))

    async def _verify_player(self, token: str, key: bytes) -> PlayerIdentity:
        now = real_now()
        # The check before this one may have ended with it.
        known = self._players.get(key, now=now)
        if known is not None:
            return known
        began = self._players.begin()
        signed = await self.read_signed(token, now=now)
        if signed.is_of_server:
            raise TokenRefused("This is a server's token; the call wants a player's.")
        identity, until = await self._check_player(signed, now=now)
        if self._notifications.is_listening:
            subjects: tuple[Hashable, ...] = (
                project_changed(identity.login_project_id),
                player_changed(identity.login_project_id, identity.player_id),
            )
            self._players.put(key, identity, until=until, began=began, subjects=subjects)
        return identity

    async def verify_server(self, token: str) -> ServerIdentity:
        """The server client a token speaks for, or TokenRefused; its check is shared as a player's is."""
        key = _token_key(token)
        known = self._servers.get(key, now=real_now())
        return known or await self._checked_servers.run_after(key, lambda: self._verify_server(token, key))

    async def _verify_server(self, token: str, key: bytes) -> ServerIdentity:
        now = real_now()
        known = self._servers.get(key, now=now)
        if known is not None:
            return known
        began = self._servers.begin()
        signed = await self.read_signed(token, now=now)
        identity = await self._check_server(signed)
        if self._notifications.is_listening:
            subjects = (project_changed(identity.login_project_id),)
            self._servers.put(key, identity, until=identity.expires_at, began=began, subjects=subjects)
        return identity

    async def read_signed(self, token: str, *, now: datetime) -> SignedToken:
        """What a token says, once its signature, issuer and time hold, or TokenRefused. Nothing is remembered."""
        try:
            unverified = read_token(token)
        except TokenMalformed:
            raise TokenRefused("The token is not a JSON Web Token.", is_malformed=True) from None
        trust, outside = await self._trust_of(unverified)
        claims = unverified.claims
        expires_at = _check_times(claims, now=now)
        if outside is not None:
            await self._check_outside_signature(unverified, outside)
        else:
            _check_own_signature(unverified, trust, expires_at)
        return SignedToken(
            login_project_id=trust.project.login_project_id,
            merchant_id=trust.project.merchant_id,
            claims=claims,
            token_hash=unverified.token_hash,
            expires_at=expires_at,
            is_outside=outside is not None,
        )

    async def _trust_of(self, unverified: UnverifiedToken) -> tuple[_Trust, OutsideIssuer | None]:
        """The login project that a token claims to be of, and the outside issuer if it claims to be from there."""
        issuer = unverified.claims.get("iss")
        claimed = unverified.claims.get("xsolla_login_project_id")
        login_project_id = parse_uuid(claimed)
        found = None if login_project_id is None else await self._find_trust(login_project_id, unverified)
        if found is None:
            # Other issuers name no login project, or one of their own.
            trust = await self._find_trust_by_issuer(issuer, unverified.claims)
            if trust is None:
                raise TokenRefused("The token names no login project of this server.", subject="project")
            return trust, trust.project.outside
        outside = found.project.outside
        is_of_server = "client_id" in unverified.claims and "sub" not in unverified.claims
        if outside is not None and not is_of_server:
            if issuer != outside.issuer or not _is_audience(outside, unverified.claims):
                raise TokenRefused(
                    "The token was issued by another issuer, or for another audience, than this project trusts."
                )
            return found, outside
        if issuer != ISSUER:
            raise TokenRefused("The token was issued by another issuer than this project trusts.")
        return found, None

    async def _find_trust(self, login_project_id: UUID, unverified: UnverifiedToken) -> _Trust | None:
        now = real_now()
        known = self._projects.get(login_project_id, now=now)
        # A key that is not known may be newer than what is remembered: another process may just have made it.
        if known is not None and (unverified.algorithm != Algorithm.RS256 or unverified.kid in known.keys):
            return known
        began = self._projects.begin()
        db = self._database.session()
        project = await find_login_project(db, self._sealer, login_project_id)
        if project is None:
            return None
        keys: dict[str, tuple[Key, datetime | None]] = {
            key.kid: (public_key(key), key.verifies_until) for key in await list_keys(db, login_project_id, now=now)
        }
        trust = _Trust(project, secret_key(project.secret), keys)
        if self._notifications.is_listening:
            # Not for ever, so that replaced keys go; tokens of theirs are refused at their end in any case.
            until = datetime.fromtimestamp(now.timestamp() + 600, UTC)
            self._projects.put(
                login_project_id,
                trust,
                until=until,
                began=began,
                subjects=(project_changed(login_project_id),),
            )
        return trust

    async def _find_trust_by_issuer(self, issuer: object, claims: dict[str, Any]) -> _Trust | None:
        """The one login project that trusts an issuer and audience, or None."""
        if not isinstance(issuer, str) or "\x00" in issuer:
            return None
        found = await list_login_projects_of_issuer(self._database.session(), self._sealer, issuer)
        fitting = [
            project for project in found if project.outside is not None and _is_audience(project.outside, claims)
        ]
        if len(fitting) > 1:
            raise TokenRefused(
                "Several login projects trust this issuer: the token must name one in xsolla_login_project_id,"
                " or each project its own audience."
            )
        return _Trust(fitting[0], secret_key(fitting[0].secret), {}) if fitting else None

    async def _check_outside_signature(self, unverified: UnverifiedToken, outside: OutsideIssuer) -> None:
        if outside.secret is not None:
            key: Key | None = secret_key(outside.secret)
            algorithms: tuple[str, ...] = OUTSIDE_SECRET_ALGORITHMS
        else:
            assert outside.jwks_url is not None, "an outside issuer has a secret or an address of keys"
            algorithms = OUTSIDE_KEY_ALGORITHMS
            try:
                key = await self._outside_keys.find_key(outside.jwks_url, unverified.kid)
            except KeysUnavailable:
                raise TokenRefused("The keys of the token's issuer cannot be fetched at the moment.") from None
        if key is None:
            raise TokenRefused("The token's issuer has no key of this kid.")
        if not has_valid_signature(unverified, key, algorithms):
            raise TokenRefused("The token's signature is not valid.")

    async def _check_player(self, signed: SignedToken, *, now: datetime) -> tuple[PlayerIdentity, datetime]:
        """The player of a signed token, if it still opens anything, and until when that may be remembered."""
        db = self._database.session()
        subject = signed.claims.get("sub")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or "\x00" in subject:
            raise TokenRefused("The token names no player: it has no sub.")
        if signed.is_outside:
            player_id = outside_player_id(signed.login_project_id, subject)
            standing = await self._outside_standing(db, signed, player_id, subject, now=now)
        else:
            parsed = parse_uuid(subject)
            if parsed is None:
                raise TokenRefused("The token names no player: its sub is no uuid.", subject="player")
            player_id = parsed
            standing = await find_player_standing(db, signed.login_project_id, player_id, token_hash=signed.token_hash)
        if standing is None:
            raise TokenRefused("The player of the token does not exist.", subject="player")
        _check_standing(signed, standing, now=now)
        until = signed.expires_at
        if standing.ban is not None and standing.ban.date_from > now:
            until = min(until, standing.ban.date_from)
        return (
            PlayerIdentity(
                login_project_id=signed.login_project_id,
                player_id=player_id,
                expires_at=signed.expires_at,
                scopes=_scopes(signed.claims),
                name=outside_name(signed.claims),
                country=_country(signed.claims),
                external_id=subject,
                email=_email(signed.claims),
                attributes=_attributes(signed.claims) if signed.is_outside else (),
            ),
            until,
        )

    async def _outside_standing(
        self, db: Session, signed: SignedToken, player_id: UUID, subject: str, *, now: datetime
    ) -> Standing | None:
        """An outside issuer knows players that we meet here for the first time: they get an account."""
        standing = await find_player_standing(db, signed.login_project_id, player_id, token_hash=signed.token_hash)
        if standing is not None:
            return standing
        name = outside_name(signed.claims)
        new = NewPlayer(
            player_id=player_id,
            login_type=LoginType.OUTSIDE,
            outside_subject=subject,
            nickname=None if name is None or "\x00" in name else name,
        )
        await add_player(db, signed.login_project_id, new, now=now)
        return await find_player_standing(db, signed.login_project_id, player_id, token_hash=signed.token_hash)

    async def _check_server(self, signed: SignedToken) -> ServerIdentity:
        client_id = signed.claims.get("client_id")
        if not signed.is_of_server:
            raise TokenRefused("This is a player's token; the call wants a server's.")
        if not isinstance(client_id, int) or isinstance(client_id, bool) or not 0 < client_id < 2**31:
            raise TokenRefused("The token names no client of this server.")
        is_revoked = await find_client_standing(
            self._database.session(), signed.login_project_id, client_id, token_hash=signed.token_hash
        )
        if is_revoked is None:
            raise TokenRefused("The token's client does not exist.")
        if is_revoked:
            raise TokenRefused("The token was revoked.")
        return ServerIdentity(
            login_project_id=signed.login_project_id,
            merchant_id=signed.merchant_id,
            client_id=client_id,
            expires_at=signed.expires_at,
        )


def _token_key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _check_own_signature(unverified: UnverifiedToken, trust: _Trust, expires_at: datetime) -> None:
    # The algorithm decides the kind of key before the token is believed in anything: an RSA key is never used as a
    # secret, and a project that signs with RS256 takes no token that was signed with its secret.
    if unverified.algorithm == Algorithm.RS256:
        key, until = trust.keys.get(unverified.kid or "", (None, None))
        # Whoever got hold of a replaced key cannot make tokens with it that outlive it.
        if key is None or (until is not None and expires_at > until):
            raise TokenRefused("The token was signed with a key that this login project does not have, or no longer.")
    elif unverified.algorithm == Algorithm.HS256 and trust.project.algorithm is Algorithm.HS256:
        key = trust.secret
    else:
        raise TokenRefused(f"The token must be signed with {trust.project.algorithm}.")
    if not has_valid_signature(unverified, key, (unverified.algorithm,)):
        raise TokenRefused("The token's signature is not valid.")


def _check_times(claims: dict[str, Any], *, now: datetime) -> datetime:
    """When the token expires; TokenRefused where it has, or is not valid yet."""
    expires, not_before = _moment(claims.get("exp")), claims.get("nbf")
    if expires is None:
        raise TokenRefused("The token has no moment of expiry (exp).")
    if expires <= now:
        raise TokenRefused("The token has expired.")
    if not_before is not None:
        is_number = isinstance(not_before, int | float) and not isinstance(not_before, bool)
        if not is_number or not_before - now.timestamp() > NOT_BEFORE_LEEWAY_SECONDS:
            raise TokenRefused("The token is not valid yet (nbf).")
    return expires


def _moment(value: object) -> datetime | None:
    """A NumericDate as a time; what lies beyond the calendar is its end."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    return datetime.fromtimestamp(min(value, 253_402_300_799), UTC)


def _check_standing(signed: SignedToken, standing: Standing, *, now: datetime) -> None:
    if standing.is_revoked:
        raise TokenRefused("The token was revoked.")
    if standing.ban is not None and standing.ban.holds(now):
        raise TokenRefused("The player is banned.")
    generation = None if signed.is_outside else generation_of(signed.claims.get("jti"))
    if generation is not None:
        is_ended = generation < standing.token_generation
    elif standing.logged_out_at is not None:
        # Others tell the moment of issue in whole seconds: one of the same second may be from before the logout.
        issued = _moment(signed.claims.get("iat"))
        is_ended = issued is None or issued <= standing.logged_out_at
    else:
        is_ended = False
    if is_ended:
        raise TokenRefused("The player has logged out of the session of this token.")


def _scopes(claims: dict[str, Any]) -> tuple[str, ...]:
    scopes = claims.get("scp")
    return tuple(scope for scope in scopes if isinstance(scope, str)) if isinstance(scopes, list) else ()


def _attributes(claims: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What an outside issuer says of its player. What is no attribute is passed over: the token opens all the same."""
    told = claims.get("attributes")
    return () if not isinstance(told, dict) else readable_attributes(told)


def _country(claims: dict[str, Any]) -> str | None:
    country = claims.get("country")
    if not isinstance(country, str) or len(country) != 2 or not (country.isascii() and country.isalpha()):
        return None
    return country.upper()


def _email(claims: dict[str, Any]) -> str | None:
    email = claims.get("email")
    return email if isinstance(email, str) and "@" in email and len(email) <= 255 and "\x00" not in email else None


def _is_audience(outside: OutsideIssuer, claims: dict[str, Any]) -> bool:
    if outside.audience is None:
        return True
    audience = claims.get("aud")
    return outside.audience == audience or (isinstance(audience, list) and outside.audience in audience)
