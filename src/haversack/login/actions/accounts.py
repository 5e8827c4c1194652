"""Changes of accounts: profiles, bans, logout, and what servers register and number."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from haversack.clock import real_now
from haversack.database.engine import Session
from haversack.database.notifications import notify
from haversack.errors import (
    BIRTHDAY_IS_SET,
    EMAIL_TAKEN,
    LINKED_ELSEWHERE,
    LOGIN_PARAMETERS_INVALID,
    PLAYER_NOT_FOUND,
    USERNAME_TAKEN,
    Fault,
)
from haversack.http.calls import Call, PlayerCall
from haversack.http.problems import invalid
from haversack.login import passwords, rules
from haversack.login.queries import players as queries
from haversack.login.queries import tokens as token_queries
from haversack.login.records import Ban, LoginType, NewPlayer, Player
from haversack.login.tokens import LOGIN_CHANGED, player_changed

if TYPE_CHECKING:
    from haversack.context import Context

FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """What a player changes of the profile; None leaves a field as it is, an empty text clears it."""

    first_name: str | None
    last_name: str | None
    nickname: str | None
    gender: str | None
    birthday: date | None


async def save_profile(call: PlayerCall, change: ProfileChange) -> Player:
    """Change what a player says of itself."""
    login_project_id, player_id = call.player.login_project_id, call.player_id
    if change.birthday is not None:
        faults = rules.check_birthday(change.birthday, today=call.now.date())
        if faults:
            raise invalid(LOGIN_PARAMETERS_INVALID, faults)
    async with call.db.begin():
        player = await queries.lock_player(call.db, login_project_id, player_id)
        if player is None:
            raise PLAYER_NOT_FOUND()
        if change.birthday is not None and player.birthday not in (None, change.birthday):
            raise BIRTHDAY_IS_SET()
        saved = await queries.save_profile(
            call.db,
            login_project_id,
            player_id,
            first_name=_changed(player.first_name, change.first_name),
            last_name=_changed(player.last_name, change.last_name),
            nickname=_changed(player.nickname, change.nickname),
            gender=_changed(player.gender, change.gender),
            birthday=change.birthday or player.birthday,
        )
    assert saved is not None, "the player is locked"
    return saved


def _changed(present: str | None, new: str | None) -> str | None:
    return present if new is None else new or None


async def set_custom_id(call: Call, login_project_id: UUID, player_id: UUID, custom_id: str | None) -> None:
    """Give an account a server's id, or take it away."""
    async with call.db.begin():
        if await queries.lock_player(call.db, login_project_id, player_id) is None:
            raise PLAYER_NOT_FOUND()
        if not await queries.set_custom_id(call.db, login_project_id, player_id, custom_id):
            fault = Fault("server_custom_id", "belongs to another user")
            raise invalid(LOGIN_PARAMETERS_INVALID, [fault])


async def set_external_id(call: Call, login_project_id: UUID, player_id: UUID, external_id: str) -> None:
    """Give an account its external id: once, and to one account alone."""
    async with call.db.begin():
        player = await queries.lock_player(call.db, login_project_id, player_id)
        if player is None:
            raise PLAYER_NOT_FOUND()
        if player.external_account_id == external_id:
            return
        if player.external_account_id is not None:
            fault = Fault("external_account_id", "is set already for this user and cannot be changed")
            raise invalid(LOGIN_PARAMETERS_INVALID, [fault])
        if not await queries.set_external_id(call.db, login_project_id, player_id, external_id):
            raise LINKED_ELSEWHERE(what="external_account_id", owner="another user")


# -- Sessions -------------------------------------------------------------------------------------------------------


async def end_sessions(call: Call, player: Player, *, now: datetime) -> Player:
    """End every session of a player, inside the caller's transaction; the player comes back as changed."""
    assert call.db.in_transaction
    ended = await _end_sessions(call.db, player.login_project_id, player.player_id, now=now)
    call.after_commit.append(forget_locally(call.context, player.login_project_id, player.player_id))
    return ended


async def log_out_player(context: "Context", login_project_id: UUID, player_id: UUID, *, now: datetime) -> None:
    """End every session of a player: access tokens, refresh tokens and unused codes."""
    db = context.database.session()
    async with db.begin():
        await _end_sessions(db, login_project_id, player_id, now=now)
    forget_locally(context, login_project_id, player_id)()


async def _end_sessions(db: Session, login_project_id: UUID, player_id: UUID, *, now: datetime) -> Player:
    player = await queries.end_sessions(db, login_project_id, player_id, now=now)
    if player is None:
        raise PLAYER_NOT_FOUND()
    await token_queries.end_families_of_player(db, login_project_id, player_id)
    await notify(db, LOGIN_CHANGED, player_changed(login_project_id, player_id))
    return player


def forget_locally(context: "Context", login_project_id: UUID, player_id: UUID) -> Callable[[], None]:
    """What makes this process forget a player's tokens at once; to be called after the commit."""
    key = player_changed(login_project_id, player_id)
    return lambda: context.notifications.publish_locally(LOGIN_CHANGED, key)


# -- For operators, tools and tests ---------------------------------------------------------------------------------


async def ban_player(
    context: "Context",
    login_project_id: UUID,
    player_id: UUID,
    *,
    reason: str,
    now: datetime,
    until: datetime = FOR_EVER,
) -> None:
    """Keep a player out from now on; every token of the player is refused at once."""
    await _set_ban(context, login_project_id, player_id, Ban(now, until, reason))


async def lift_ban(context: "Context", login_project_id: UUID, player_id: UUID) -> None:
    """Let a player in again."""
    await _set_ban(context, login_project_id, player_id, None)


async def _set_ban(context: "Context", login_project_id: UUID, player_id: UUID, ban: Ban | None) -> None:
    db = context.database.session()
    async with db.begin():
        if not await queries.set_ban(db, login_project_id, player_id, ban):
            raise PLAYER_NOT_FOUND()
        await notify(db, LOGIN_CHANGED, player_changed(login_project_id, player_id))
    forget_locally(context, login_project_id, player_id)()


async def confirm_player(db: Session, login_project_id: UUID, player_id: UUID) -> None:
    """Let an account sign in that had to be confirmed."""
    if not await queries.confirm_player(db, login_project_id, player_id):
        raise PLAYER_NOT_FOUND()


async def ensure_user(
    context: "Context",
    login_project_id: UUID,
    player_id: UUID,
    *,
    username: str | None = None,
    email: str | None = None,
    nickname: str | None = None,
    password: str | None = None,
) -> None:
    """An account of this id with these names and this password, made or changed; for tools, demos and tests.

    Names of None are left as they are. Refused where another account has one of them.
    """
    now = real_now()
    db = context.database.session()
    password_hash = None if password is None else await passwords.hash_password(password)
    new = NewPlayer(
        player_id=player_id, login_type=LoginType.PASSWORD, username=username, email=email, nickname=nickname
    )
    async with db.begin():
        if not await queries.add_player(db, login_project_id, new, now=now):
            if await queries.lock_player(db, login_project_id, player_id) is None:
                raise USERNAME_TAKEN() if email is None else EMAIL_TAKEN()
            is_set = await queries.set_names(
                db, login_project_id, player_id, username=username, email=email, nickname=nickname
            )
            if not is_set:
                raise USERNAME_TAKEN()
        if password_hash is not None:
            await queries.save_password(db, login_project_id, player_id, password_hash=password_hash, now=now)
