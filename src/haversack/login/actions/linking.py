"""Linking platform accounts to players, by a code that the player reads to the game or by the game's server."""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from haversack.clock import real_now
from haversack.database.engine import Session
from haversack.errors import (
    LINKED_ELSEWHERE,
    LINKING_ATTEMPTS_USED_UP,
    LINKING_CODE_WRONG,
    LOGIN,
    PLAYER_NOT_FOUND,
)
from haversack.http.calls import ServerCall
from haversack.login import rules
from haversack.login.actions.attempts import count_attempt
from haversack.login.identities import PlayerIdentity
from haversack.login.queries import linked
from haversack.login.queries import players as queries
from haversack.login.queries import tokens as token_queries
from haversack.login.queries.linked import find_platform_account

__all__ = [
    "create_linking_code",
    "find_platform_account",
    "link_by_code",
    "link_platform_account",
    "take_code_and_link",
]

CODES_TRIED_MAX = 20


async def create_linking_code(db: Session, player: PlayerIdentity) -> tuple[str, int]:
    """A code of six digits that links one platform account to the player, and how many seconds it lives; the
    player's code before it is void."""
    login_project_id, player_id, now = player.login_project_id, player.player_id, real_now()
    async with db.begin():
        # Simultaneous calls of one player go one after another, so that each knows which code is the last.
        if await queries.lock_player(db, login_project_id, player_id) is None:
            raise PLAYER_NOT_FOUND()
        await token_queries.drop_linking_code(db, login_project_id, player_id)
        for _ in range(CODES_TRIED_MAX):
            code = f"{secrets.randbelow(10**rules.LINKING_CODE_DIGITS):0{rules.LINKING_CODE_DIGITS}}"
            expires_at = now + rules.LINKING_CODE_LIFE
            if await token_queries.add_linking_code(
                db, login_project_id, player_id, code=code, expires_at=expires_at, now=now
            ):
                return code, int(rules.LINKING_CODE_LIFE.total_seconds())
    # Nearly every number is in use: somebody is flooding the project.
    raise LOGIN.too_many(seconds=60, retry_after=60)


async def link_by_code(
    call: ServerCall, login_project_id: UUID, *, code: str, platform: str, platform_user_id: str
) -> None:
    """Link a platform account to the player of a code. Attempts count for the platform account, before they are
    tried, and stay counted when they fail; a used code is refused like a wrong one."""
    await take_code_and_link(
        call.db,
        login_project_id,
        code=code,
        platform=platform,
        platform_user_id=platform_user_id,
        counting=call.db,
        now=call.now,
    )


async def take_code_and_link(
    db: Session,
    login_project_id: UUID,
    *,
    code: str,
    platform: str,
    platform_user_id: str,
    counting: Session,
    now: datetime,
) -> None:
    """The same for a caller whose own work stands in a transaction. `counting` is in none."""
    subject = hashlib.sha256(f"link/{platform}/{platform_user_id}".encode()).digest()
    await count_attempt(
        counting,
        login_project_id,
        subject_hash=subject,
        attempts_max=rules.LINKING_ATTEMPTS_MAX,
        window=rules.LINKING_WINDOW,
        too_many=LINKING_ATTEMPTS_USED_UP,
        now=now,
    )
    async with db.begin():
        player_id = await token_queries.take_linking_code(db, login_project_id, code, now=now)
        if player_id is None:
            raise LINKING_CODE_WRONG()
        await link_platform_account(db, login_project_id, player_id, platform=platform, account_id=platform_user_id)
        await token_queries.forget_attempts(db, login_project_id, subject_hash=subject)


async def link_platform_account(
    db: Session, login_project_id: UUID, player_id: UUID, *, platform: str, account_id: str
) -> None:
    """Link a platform account to a player. It stays with that player, who has one account of each platform."""
    is_new = await linked.add_platform_account(
        db, login_project_id, player_id, platform=platform, platform_user_id=account_id, now=real_now()
    )
    if is_new:
        return
    owner = await linked.find_platform_owner(db, login_project_id, platform=platform, platform_user_id=account_id)
    if owner is None:
        raise LINKED_ELSEWHERE(what="user", owner=f"another {platform} account")
    if owner != player_id:
        raise LINKED_ELSEWHERE(what=f"{platform} account", owner="another user")
