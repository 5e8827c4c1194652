"""Reads and writes of the devices and platform accounts that belong to players."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Text, any_, bindparam, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.database.engine import Session
from haversack.login.records import Device, PlatformAccount
from haversack.login.tables import platform_accounts, player_devices, players

_this_device = (
    player_devices.c.login_project_id == bindparam("login"),
    player_devices.c.device_type == bindparam("of_type"),
    player_devices.c.device_id_hash == bindparam("of_hash", type_=LargeBinary),
)
USE_DEVICE = (
    update(player_devices)
    .where(*_this_device)
    .values(last_used_at=bindparam("now"), device=bindparam("new_device"))
    .returning(player_devices.c.player_id)
)
ADD_DEVICE = (
    insert(player_devices)
    .values(
        login_project_id=bindparam("login"),
        device_type=bindparam("of_type"),
        device_id_hash=bindparam("of_hash"),
        player_id=bindparam("player"),
        device=bindparam("new_device"),
        last_used_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
    .returning(player_devices.c.player_id)
)
LIST_DEVICES = (
    select(player_devices)
    .where(
        player_devices.c.login_project_id == bindparam("login"),
        player_devices.c.player_id == bindparam("player"),
    )
    .order_by(player_devices.c.device_number)
)
ADD_PLATFORM_ACCOUNT = (
    insert(platform_accounts)
    .values(
        login_project_id=bindparam("login"),
        platform=bindparam("of_platform"),
        platform_user_id=bindparam("platform_user"),
        player_id=bindparam("player"),
        linked_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
    .returning(platform_accounts.c.player_id)
)
FIND_PLATFORM_ACCOUNT = select(platform_accounts.c.platform_user_id).where(
    platform_accounts.c.login_project_id == bindparam("login"),
    platform_accounts.c.player_id == bindparam("player"),
    platform_accounts.c.platform == bindparam("of_platform"),
)
FIND_PLATFORM_OWNER = select(platform_accounts.c.player_id).where(
    platform_accounts.c.login_project_id == bindparam("login"),
    platform_accounts.c.platform == bindparam("of_platform"),
    platform_accounts.c.platform_user_id == bindparam("platform_user"),
)
LIST_PLATFORM_ACCOUNTS = (
    select(platform_accounts, players.c.email, players.c.external_account_id)
    .join(
        players,
        (players.c.login_project_id == platform_accounts.c.login_project_id)
        & (players.c.player_id == platform_accounts.c.player_id),
    )
    .where(
        platform_accounts.c.login_project_id == bindparam("login"),
        platform_accounts.c.platform_user_id == any_(bindparam("platform_users", type_=ARRAY(Text))),
    )
)


async def use_device(
    db: Session,
    login_project_id: UUID,
    *,
    device_type: str,
    device_id_hash: bytes,
    device: str,
    now: datetime,
) -> UUID | None:
    """The player that a device opens, or None; notes its use."""
    found: UUID | None = await db.fetch_value(
        USE_DEVICE,
        login=login_project_id,
        of_type=device_type,
        of_hash=device_id_hash,
        new_device=device,
        now=now,
    )
    return found


async def add_device(
    db: Session,
    login_project_id: UUID,
    player_id: UUID,
    *,
    device_type: str,
    device_id_hash: bytes,
    device: str,
    now: datetime,
) -> bool:
    """Let a device open an account; False where it opens one already. Waits for a parallel first sign-in."""
    row = await db.fetch_one(
        ADD_DEVICE,
        login=login_project_id,
        of_type=device_type,
        of_hash=device_id_hash,
        player=player_id,
        new_device=device,
        now=now,
    )
    return row is not None


async def list_devices(db: Session, login_project_id: UUID, player_id: UUID) -> list[Device]:
    """The devices that open an account."""
    rows = await db.fetch_all(LIST_DEVICES, login=login_project_id, player=player_id)
    return [Device(row["device_number"], row["device_type"], row["device"], row["last_used_at"]) for row in rows]


async def add_platform_account(
    db: Session,
    login_project_id: UUID,
    player_id: UUID,
    *,
    platform: str,
    platform_user_id: str,
    now: datetime,
) -> bool:
    """Link a platform account; False where it, or another of that platform, is linked already."""
    row = await db.fetch_one(
        ADD_PLATFORM_ACCOUNT,
        login=login_project_id,
        player=player_id,
        of_platform=platform,
        platform_user=platform_user_id,
        now=now,
    )
    return row is not None


async def find_platform_account(db: Session, login_project_id: UUID, player_id: UUID, platform: str) -> str | None:
    """The player's account on a platform, or None."""
    found: str | None = await db.fetch_value(
        FIND_PLATFORM_ACCOUNT, login=login_project_id, player=player_id, of_platform=platform
    )
    return found


async def find_platform_owner(
    db: Session, login_project_id: UUID, *, platform: str, platform_user_id: str
) -> UUID | None:
    """The player that a platform account is linked to, or None."""
    found: UUID | None = await db.fetch_value(
        FIND_PLATFORM_OWNER, login=login_project_id, of_platform=platform, platform_user=platform_user_id
    )
    return found


async def list_platform_accounts(
    db: Session, login_project_id: UUID, platform_user_ids: Sequence[str]
) -> Mapping[tuple[str, str], PlatformAccount]:
    """The linked accounts of any platform with one of the ids, by (platform, id)."""
    rows = await db.fetch_all(LIST_PLATFORM_ACCOUNTS, login=login_project_id, platform_users=list(platform_user_ids))
    return {
        (row["platform"], row["platform_user_id"]): PlatformAccount(
            row["platform"],
            row["platform_user_id"],
            row["player_id"],
            row["email"],
            row["external_account_id"],
        )
        for row in rows
    }
