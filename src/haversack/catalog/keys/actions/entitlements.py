"""Giving players rights to games, by a code or by the studio's word, and taking them away."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from haversack.catalog.keys import rules
from haversack.catalog.keys.actions.codes import note_stock
from haversack.catalog.keys.queries import codes as code_queries
from haversack.catalog.keys.queries import entitlements as queries
from haversack.catalog.keys.records import CodeState, FoundCode, FreeKey, Mode
from haversack.catalog.taxonomy.queries import list_regions
from haversack.clock import real_now
from haversack.errors import (
    DRM_NOT_FREE,
    ENTITLED_GAME_NOT_FOUND,
    ENTITLEMENT_HELD,
    GAME_CODE_NOT_FOUND,
    GAME_CODE_USED,
    GAME_NOT_IN_COUNTRY,
    STORE,
)
from haversack.http.calls import AdminCall, Call, PlayerCall
from haversack.inventory.ledger import LedgerRow, entitlement_row, key_row, write_ledger
from haversack.login.actions import count_attempt, forget_attempts, get_player_id
from haversack.projects.records import Project


async def redeem_code(call: PlayerCall, project: Project, code: str, *, mode: Mode) -> None:
    """Give the player the game that a code opens. Attempts are counted before they are tried."""
    login_project_id = call.player.login_project_id
    subject = rules.attempts_subject(project.project_id, call.player_id)
    await count_attempt(
        call.db,
        login_project_id,
        subject_hash=subject,
        attempts_max=rules.REDEEM_ATTEMPTS_MAX,
        window=rules.REDEEM_WINDOW,
        too_many=STORE.too_many,
        now=real_now(),
    )
    async with call.db.begin():
        found = await _find_codes(call, project.project_id, code)
        chosen = rules.redeemable_code(found, project.clock.now())
        await _check_country(call, project.project_id, chosen.region_ids, chosen.game_sku, call.player.country)
        await _entitle(
            call,
            project,
            call.player_id,
            item_id=chosen.item_id,
            code=chosen,
            mode=mode,
            source="redeemed",
        )
        await forget_attempts(call.db, login_project_id, subject_hash=subject)


async def grant_entitlement(
    call: AdminCall,
    external_id: str,
    *,
    game_sku: str,
    drm_sku: str,
    code: str | None,
    mode: Mode,
    country: str | None,
) -> None:
    """Give a player a game; with a code, that code is used up by it."""
    if drm_sku != rules.DRM_FREE:
        raise DRM_NOT_FREE()
    async with call.db.begin():
        key = await _get_free_key(call, game_sku)
        player_id = await get_player_id(call, external_id)
        await _check_country(call, call.project_id, key.region_ids, game_sku, country)
        await _entitle(
            call,
            call.project,
            player_id,
            item_id=key.item_id,
            code=None if code is None else await _get_code(call, key, code),
            mode=mode,
            source="granted",
        )


async def revoke_entitlement(call: AdminCall, external_id: str, *, game_sku: str, drm_sku: str, mode: Mode) -> None:
    """Take a game from a player; nothing where the player does not have it. Its code stays used."""
    if drm_sku != rules.DRM_FREE:
        raise DRM_NOT_FREE()
    async with call.db.begin():
        keys = await queries.list_free_keys(call.db, call.project_id, game_sku)
        if not keys:
            raise ENTITLED_GAME_NOT_FOUND()
        player_id = await get_player_id(call, external_id)
        rows: list[LedgerRow] = []
        for key in keys:
            revoked = await queries.revoke_entitlement(
                call.db, call.project_id, player_id, item_id=key.item_id, mode=mode, now=call.now
            )
            if revoked is not None:
                rows.append(entitlement_row(key.item_id, revoked, -1))
        await write_ledger(
            call.db,
            project_id=call.project_id,
            player_id=player_id,
            source="studio:entitlement",
            rows=rows,
            now=call.now,
        )


async def _entitle(
    call: Call,
    project: Project,
    player_id: UUID,
    *,
    item_id: int,
    code: FoundCode | None,
    mode: Mode,
    source: str,
) -> None:
    """Give the right and use its code up, or neither."""
    now: datetime = project.clock.now()
    entitlement_id = await queries.add_entitlement(
        call.db,
        project.project_id,
        player_id,
        item_id=item_id,
        code_id=None if code is None else code.code_id,
        mode=mode,
        source=source,
        now=now,
    )
    if entitlement_id is None:
        raise ENTITLEMENT_HELD()
    rows = [entitlement_row(item_id, entitlement_id, 1)]
    if code is not None:
        if not await code_queries.use_code(
            call.db, project.project_id, code, player_id=player_id, source=f"entitlement:{entitlement_id}", now=now
        ):
            raise GAME_CODE_USED()
        rows.append(key_row(code.item_id, code.code_id, -1))
        note_stock(call, project.project_id)
    await write_ledger(
        call.db,
        project_id=project.project_id,
        player_id=player_id,
        source=f"entitlement:{entitlement_id}",
        rows=rows,
        now=now,
    )


async def _find_codes(call: Call, project_id: int, code: str, *, item_id: int | None = None) -> list[FoundCode]:
    hashed = rules.code_hash(code.strip(), key=call.context.sealer.mac_key, project_id=project_id)
    return await code_queries.find_codes(call.db, project_id, hashed, item_id=item_id)


async def _get_code(call: AdminCall, key: FreeKey, code: str) -> FoundCode:
    found = await _find_codes(call, call.project_id, code, item_id=key.item_id)
    known = [one for one in found if one.state is not CodeState.DELETED]
    if not known:
        raise GAME_CODE_NOT_FOUND()
    return known[0]


async def _get_free_key(call: AdminCall, game_sku: str) -> FreeKey:
    keys = await queries.list_free_keys(call.db, call.project_id, game_sku)
    key = next((key for key in keys if not key.is_deleted), None)
    if key is None:
        raise ENTITLED_GAME_NOT_FOUND()
    return key


async def _check_country(
    call: Call, project_id: int, region_ids: Sequence[int], game_sku: str, country: str | None
) -> None:
    """Refuse where a game is not sold to; who is in no known country is not kept from what they have bought."""
    if country is None or not region_ids:
        return
    regions = await list_regions(call.db, project_id)
    countries = {each for region in regions if region.region_id in region_ids for each in region.countries}
    if country not in countries:
        raise GAME_NOT_IN_COUNTRY(sku=game_sku, country=country)
