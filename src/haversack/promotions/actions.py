"""Changes of promotions: checked against the project, written in one transaction, told to the catalogs."""

from dataclasses import replace

from haversack.catalog.items.queries import find_known_items
from haversack.catalog.versions import touch_catalog
from haversack.database.engine import Session
from haversack.errors import PROMOTION_NOT_FOUND, PROMOTION_NOT_SWITCHED, STORE, ErrorKind, Fault
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid
from haversack.promotions import queries
from haversack.promotions.drafts import Known, PromotionDraft, draft_faults, promotion_of
from haversack.promotions.records import Promotion, PromotionKind

# A promotion by its id, or by the external id that the studio has given it.
Which = int | str


async def create_promotion(call: AdminCall, draft: PromotionDraft) -> int:
    """Make a promotion and return its id. Faulty fields are refused together (1102)."""
    async with call.db.begin():
        await queries.lock_promotions(call.db, call.project_id)
        known = await _check(call, draft, None)
        promotion = promotion_of(draft, known, call.project_id, now=call.now)
        promotion_id = await queries.add_promotion(call.db, promotion, now=call.now)
        await touch_catalog(call, call.project_id)
    return promotion_id


async def update_promotion(
    call: AdminCall, draft: PromotionDraft, which: Which, *, missing: ErrorKind = PROMOTION_NOT_FOUND
) -> None:
    """Put a draft in the place of a promotion of its kind, or `missing`. It stays enabled or not, and keeps its
    external id."""
    async with call.db.begin():
        await queries.lock_promotions(call.db, call.project_id)
        existing = await get_promotion(call.db, call.project_id, which, draft.kind, missing=missing)
        kept = replace(draft, external_id=existing.external_id, is_enabled=existing.is_enabled)
        known = await _check(call, kept, existing.promotion_id)
        promotion = promotion_of(kept, known, call.project_id, now=call.now)
        await queries.save_promotion(call.db, replace(promotion, promotion_id=existing.promotion_id), now=call.now)
        await touch_catalog(call, call.project_id)


async def delete_promotion(
    call: AdminCall, kind: PromotionKind, which: Which, *, missing: ErrorKind = PROMOTION_NOT_FOUND
) -> None:
    """Take a promotion of a kind out of the project for good, with its codes, or `missing`."""
    async with call.db.begin():
        await queries.lock_promotions(call.db, call.project_id)
        existing = await get_promotion(call.db, call.project_id, which, kind, missing=missing)
        await queries.delete_promotion(call.db, call.project_id, existing.promotion_id, now=call.now)
        await touch_catalog(call, call.project_id)


async def switch_promotion(
    call: AdminCall,
    which: Which,
    kind: PromotionKind | None = None,
    *,
    is_enabled: bool,
    missing: ErrorKind = PROMOTION_NOT_FOUND,
) -> None:
    """Switch a promotion, of a kind or of any, on or off, or `missing`; PROMOTION_NOT_SWITCHED for one that would give
    nothing."""
    async with call.db.begin():
        await queries.lock_promotions(call.db, call.project_id)
        existing = await get_promotion(call.db, call.project_id, which, kind, missing=missing)
        if is_enabled and not existing.rewards:
            raise PROMOTION_NOT_SWITCHED(faults=[Fault("promotion", "gives nothing; add something to it first")])
        await queries.set_enabled(call.db, call.project_id, existing.promotion_id, is_enabled=is_enabled, now=call.now)
        await touch_catalog(call, call.project_id)


async def get_promotion(
    db: Session,
    project_id: int,
    which: Which,
    kind: PromotionKind | None = None,
    *,
    missing: ErrorKind = PROMOTION_NOT_FOUND,
) -> Promotion:
    """A promotion of a kind or, by its id, of any; or `missing`."""
    if isinstance(which, int):
        found = await queries.find_promotion(db, project_id, which, kind)
    else:
        assert kind is not None, "external ids are looked up among those of a kind"
        found = await queries.find_by_external_id(db, project_id, kind, which)
    if found is None:
        raise missing(promotion_id=which, project_id=project_id)
    return found


async def _check(call: AdminCall, draft: PromotionDraft, own_id: int | None) -> Known:
    skus = list(dict.fromkeys(named.sku for named in draft.named_items))
    holder = None
    if draft.external_id is not None:
        holder = await queries.find_id_of_external(call.db, call.project_id, draft.external_id)
    known = Known(
        await find_known_items(call.db, call.project_id, skus),
        await queries.find_known_ids(call.db, call.project_id, draft.excluded) if draft.excluded else (),
        holder,
    )
    faults = draft_faults(draft, known, own_id)
    if faults:
        raise invalid(STORE.invalid, faults)
    return known
