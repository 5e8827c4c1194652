"""Reads and writes of players' accounts and what opens them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Date, Executable, Text, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from haversack.database.engine import Session
from haversack.login.records import Ban, LoginType, NewPlayer, Player
from haversack.login.rules import name_key, tag_of
from haversack.login.tables import player_passwords, players

_of_login = players.c.login_project_id == bindparam("login")
_this_player = (_of_login, players.c.player_id == bindparam("player"))

FIND_PLAYER = select(players).where(*_this_player)
LOCK_PLAYER = FIND_PLAYER.with_for_update()
# A user name that is somebody else's address cannot be registered; the order decides for names from before a change.
FIND_BY_NAME = (
    select(players, player_passwords.c.password_hash)
    .outerjoin(
        player_passwords,
        (player_passwords.c.login_project_id == players.c.login_project_id)
        & (player_passwords.c.player_id == players.c.player_id),
    )
    .where(_of_login, or_(players.c.username_key == bindparam("name"), players.c.email_key == bindparam("name")))
    .order_by((players.c.username_key == bindparam("name")).desc().nulls_last())
    .limit(1)
)
FIND_BY_CUSTOM_ID = select(players).where(_of_login, players.c.server_custom_id == bindparam("custom_id"))
ADD_PLAYER = insert(players).on_conflict_do_nothing().returning(players.c.player_id)
FIND_COLLISIONS = select(
    players.c.player_id,
    players.c.username_key,
    players.c.email_key,
    players.c.phone_number,
    players.c.external_account_id,
).where(
    _of_login,
    or_(
        players.c.username_key == bindparam("username", type_=Text),
        players.c.email_key == bindparam("email", type_=Text),
        players.c.phone_number == bindparam("phone", type_=Text),
        players.c.external_account_id == bindparam("external", type_=Text),
    ),
)
NOTE_LOGIN = update(players).where(*_this_player).values(last_login_at=bindparam("now")).returning(players)
SAVE_PROFILE = (
    update(players)
    .where(*_this_player)
    .values(
        first_name=bindparam("new_first_name", type_=Text),
        last_name=bindparam("new_last_name", type_=Text),
        nickname=bindparam("new_nickname", type_=Text),
        gender=bindparam("new_gender", type_=Text),
        birthday=bindparam("new_birthday", type_=Date),
    )
    .returning(players)
)
SET_NAMES = (
    update(players)
    .where(*_this_player)
    .values(
        username=func.coalesce(bindparam("new_username", type_=Text), players.c.username),
        username_key=func.coalesce(bindparam("new_username_key", type_=Text), players.c.username_key),
        email=func.coalesce(bindparam("new_email", type_=Text), players.c.email),
        email_key=func.coalesce(bindparam("new_email_key", type_=Text), players.c.email_key),
        nickname=func.coalesce(bindparam("new_nickname", type_=Text), players.c.nickname),
    )
)
CONFIRM = update(players).where(*_this_player).values(is_confirmed=True)
SET_CUSTOM_ID = update(players).where(*_this_player).values(server_custom_id=bindparam("new_custom_id", type_=Text))
SET_EXTERNAL_ID = update(players).where(*_this_player).values(external_account_id=bindparam("new_external_id"))
SET_BAN = (
    update(players)
    .where(*_this_player)
    .values(banned_from=bindparam("starts"), banned_until=bindparam("ends"), ban_reason=bindparam("reason"))
)
END_SESSIONS = (
    update(players)
    .where(*_this_player)
    .values(token_generation=players.c.token_generation + 1, logged_out_at=bindparam("now"))
    .returning(players)
)
_password = insert(player_passwords).values(
    login_project_id=bindparam("login"),
    player_id=bindparam("player"),
    password_hash=bindparam("hash"),
    changed_at=bindparam("now"),
)
SAVE_PASSWORD = _password.on_conflict_do_update(
    index_elements=["login_project_id", "player_id"],
    set_={"password_hash": _password.excluded.password_hash, "changed_at": _password.excluded.changed_at},
)
# Only where nobody has set another password meanwhile.
REHASH_PASSWORD = (
    update(player_passwords)
    .where(
        player_passwords.c.login_project_id == bindparam("login"),
        player_passwords.c.player_id == bindparam("player"),
        player_passwords.c.password_hash.is_not_distinct_from(bindparam("old_hash")),
    )
    .values(password_hash=bindparam("new_hash"))
)


def ban_of(row: asyncpg.Record) -> Ban | None:
    """The ban that a player's row holds."""
    if row["banned_from"] is None:
        return None
    return Ban(row["banned_from"], row["banned_until"], row["ban_reason"] or "")


def _player(row: asyncpg.Record) -> Player:
    return Player(
        login_project_id=row["login_project_id"],
        player_id=row["player_id"],
        login_type=LoginType(row["login_type"]),
        username=row["username"],
        email=row["email"],
        is_confirmed=row["is_confirmed"],
        phone_number=row["phone_number"],
        external_account_id=row["external_account_id"],
        server_custom_id=row["server_custom_id"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        nickname=row["nickname"],
        tag=row["tag"],
        gender=row["gender"],
        country=row["country"],
        picture=row["picture"],
        birthday=row["birthday"],
        promo_email_agreement=row["promo_email_agreement"],
        registered_at=row["registered_at"],
        last_login_at=row["last_login_at"],
        token_generation=row["token_generation"],
        ban=ban_of(row),
    )


def _found(row: asyncpg.Record | None) -> Player | None:
    return None if row is None else _player(row)


async def find_player(db: Session, login_project_id: UUID, player_id: UUID) -> Player | None:
    """The player, or None."""
    return _found(await db.fetch_one(FIND_PLAYER, login=login_project_id, player=player_id))


async def lock_player(db: Session, login_project_id: UUID, player_id: UUID) -> Player | None:
    """The player, held against changes until the transaction ends."""
    return _found(await db.fetch_one(LOCK_PLAYER, login=login_project_id, player=player_id))


async def find_player_by_name(db: Session, login_project_id: UUID, name: str) -> tuple[Player, str | None] | None:
    """The player of a user name or e-mail address, with the hash of the password if there is one."""
    row = await db.fetch_one(FIND_BY_NAME, login=login_project_id, name=name_key(name))
    return None if row is None else (_player(row), row["password_hash"])


async def find_player_by_custom_id(db: Session, login_project_id: UUID, custom_id: str) -> Player | None:
    """The player of a server's id, or None."""
    return _found(await db.fetch_one(FIND_BY_CUSTOM_ID, login=login_project_id, custom_id=custom_id))


async def add_player(db: Session, login_project_id: UUID, new: NewPlayer, *, now: datetime) -> bool:
    """Store a new account; False where its id or one of its names is taken."""
    values: dict[str, Any] = {
        "login_project_id": login_project_id,
        "player_id": new.player_id,
        "login_type": new.login_type,
        "username": new.username,
        "username_key": None if new.username is None else name_key(new.username),
        "email": new.email,
        "email_key": None if new.email is None else name_key(new.email),
        "is_confirmed": new.is_confirmed,
        "phone_number": new.phone_number,
        "is_phone_verified": new.is_phone_verified,
        "external_account_id": new.external_account_id,
        "server_custom_id": new.server_custom_id,
        "outside_subject": new.outside_subject,
        "nickname": new.nickname,
        "tag": tag_of(new.player_id),
        "promo_email_agreement": new.promo_email_agreement,
        "registered_at": now,
        "token_generation": 0,
    }
    return await db.fetch_one(ADD_PLAYER, **values) is not None


async def list_collisions(db: Session, login_project_id: UUID, new: NewPlayer) -> list[asyncpg.Record]:
    """The accounts that hold a name of the new one: username_key, email_key, phone_number, external_account_id."""
    return await db.fetch_all(
        FIND_COLLISIONS,
        login=login_project_id,
        username=None if new.username is None else name_key(new.username),
        email=None if new.email is None else name_key(new.email),
        phone=new.phone_number,
        external=new.external_account_id,
    )


async def note_login(db: Session, login_project_id: UUID, player_id: UUID, *, now: datetime) -> Player | None:
    """Remember a sign-in and return the player."""
    return _found(await db.fetch_one(NOTE_LOGIN, login=login_project_id, player=player_id, now=now))


async def save_profile(
    db: Session,
    login_project_id: UUID,
    player_id: UUID,
    *,
    first_name: str | None,
    last_name: str | None,
    nickname: str | None,
    gender: str | None,
    birthday: date | None,
) -> Player | None:
    """Replace what players say of themselves."""
    row = await db.fetch_one(
        SAVE_PROFILE,
        login=login_project_id,
        player=player_id,
        new_first_name=first_name,
        new_last_name=last_name,
        new_nickname=nickname,
        new_gender=gender,
        new_birthday=birthday,
    )
    return _found(row)


async def set_names(
    db: Session,
    login_project_id: UUID,
    player_id: UUID,
    *,
    username: str | None,
    email: str | None,
    nickname: str | None,
) -> bool:
    """Give an account names; None keeps what it has. False where another account has one of them."""
    return await _set_unique(
        db,
        SET_NAMES,
        login=login_project_id,
        player=player_id,
        new_username=username,
        new_username_key=None if username is None else name_key(username),
        new_email=email,
        new_email_key=None if email is None else name_key(email),
        new_nickname=nickname,
    )


async def _set_unique(db: Session, statement: Executable, **values: object) -> bool:
    """Run a change that another account's name may stand in the way of."""
    try:
        async with db.begin():
            await db.execute(statement, **values)
    except asyncpg.UniqueViolationError:
        return False
    return True


async def confirm_player(db: Session, login_project_id: UUID, player_id: UUID) -> bool:
    """Let an account sign in; False where there is none."""
    return await db.execute(CONFIRM, login=login_project_id, player=player_id) == 1


async def set_custom_id(db: Session, login_project_id: UUID, player_id: UUID, custom_id: str | None) -> bool:
    """Give the account another server's id, or none; False where another account has it."""
    return await _set_unique(db, SET_CUSTOM_ID, login=login_project_id, player=player_id, new_custom_id=custom_id)


async def set_external_id(db: Session, login_project_id: UUID, player_id: UUID, external_id: str) -> bool:
    """Give the account its external id; False where another account has it."""
    return await _set_unique(db, SET_EXTERNAL_ID, login=login_project_id, player=player_id, new_external_id=external_id)


async def set_ban(db: Session, login_project_id: UUID, player_id: UUID, ban: Ban | None) -> bool:
    """Keep a player out, or let it in again; False where there is no such player."""
    changed = await db.execute(
        SET_BAN,
        login=login_project_id,
        player=player_id,
        starts=None if ban is None else ban.date_from,
        ends=None if ban is None else ban.date_to,
        reason=None if ban is None else ban.reason,
    )
    return changed == 1


async def end_sessions(db: Session, login_project_id: UUID, player_id: UUID, *, now: datetime) -> Player | None:
    """Make every access token issued so far worthless, and return the player."""
    return _found(await db.fetch_one(END_SESSIONS, login=login_project_id, player=player_id, now=now))


async def save_password(
    db: Session, login_project_id: UUID, player_id: UUID, *, password_hash: str, now: datetime
) -> None:
    """Store the hash of a password."""
    await db.execute(SAVE_PASSWORD, login=login_project_id, player=player_id, hash=password_hash, now=now)


async def rehash_password(
    db: Session, login_project_id: UUID, player_id: UUID, *, old_hash: str, new_hash: str
) -> None:
    """Store the same password under newer hashing costs."""
    await db.execute(REHASH_PASSWORD, login=login_project_id, player=player_id, old_hash=old_hash, new_hash=new_hash)
