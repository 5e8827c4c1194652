"""Changes of chains by a studio, the same for every kind."""

from haversack.catalog.items.queries import find_known_items
from haversack.catalog.versions import touch_catalog
from haversack.chains import drafts
from haversack.chains.drafts import ChainDraft
from haversack.chains.queries import chains as queries
from haversack.chains.queries.points import keep_reset
from haversack.chains.records import ByPoints, Chain, ChainKind
from haversack.chains.rules import chain_window
from haversack.database.engine import Session
from haversack.errors import CHAIN_ACTIVE, CHAIN_NOT_FOUND, REWARD_CHAIN_NOT_FOUND, STORE, Refusal
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid


def not_found(kind: ChainKind, project_id: int, chain_id: int, step_number: int | None = None) -> Refusal:
    """That there is no such chain, or no such step of one, as the calls on its kind say it."""
    if kind is ChainKind.REWARD:
        return REWARD_CHAIN_NOT_FOUND()
    extended: dict[str, object] = {"chain_id": str(chain_id), "project_id": str(project_id)}
    if step_number is not None:
        extended["step_number"] = step_number
    return CHAIN_NOT_FOUND(extended=extended)


async def get_chain(db: Session, project_id: int, kind: ChainKind, chain_id: int) -> Chain:
    """The chain of a kind and an id, or its kind's not-found."""
    found = await queries.find_chain(db, project_id, kind, chain_id)
    if found is None:
        raise not_found(kind, project_id, chain_id)
    return found


async def lock_chain(db: Session, project_id: int, kind: ChainKind, chain_id: int) -> Chain:
    """The same, held against other writers until the transaction ends."""
    found = await queries.lock_chain(db, project_id, kind, chain_id)
    if found is None:
        raise not_found(kind, project_id, chain_id)
    return found


async def create_chain(call: AdminCall, draft: ChainDraft) -> int:
    """Make a chain and return its id."""
    async with call.db.begin():
        chain = await _checked(call, draft, None)
        chain_id = await queries.add_chain(call.db, chain, now=call.now)
        await touch_catalog(call, call.project_id)
    return chain_id


async def update_chain(
    call: AdminCall, kind: ChainKind, chain_id: int, draft: ChainDraft, *, only_switched_off: bool
) -> None:
    """Put a draft in the place of a chain of its kind. Players keep what they have taken of steps that stay.

    only_switched_off: CHAIN_ACTIVE for one that is switched on.
    """
    async with call.db.begin():
        existing = await lock_chain(call.db, call.project_id, kind, chain_id)
        if only_switched_off and existing.is_enabled:
            raise CHAIN_ACTIVE()
        chain = drafts.replaced(existing, await _checked(call, draft, existing), now=call.now)
        await queries.save_chain(call.db, chain, now=call.now)
        await touch_catalog(call, call.project_id)


async def delete_chain(call: AdminCall, kind: ChainKind, chain_id: int) -> None:
    """Take a chain out of the project for good; what it gave stays with the players."""
    async with call.db.begin():
        existing = await lock_chain(call.db, call.project_id, kind, chain_id)
        await queries.delete_chain(call.db, call.project_id, existing.chain_id, now=call.now)
        if isinstance(existing.opening, ByPoints):
            # Its resets stay: what they took does not come back to anybody.
            start = chain_window(existing, call.now).start
            await keep_reset(call.db, call.project_id, existing.opening.value_point_id, start)
        await touch_catalog(call, call.project_id)


async def toggle_chain(call: AdminCall, kind: ChainKind, chain_id: int) -> None:
    """Switch a chain on if it is off, and off if it is on."""
    async with call.db.begin():
        existing = await lock_chain(call.db, call.project_id, kind, chain_id)
        after = drafts.switched(existing, is_enabled=not existing.is_enabled, now=call.now)
        await queries.save_chain_alone(call.db, after, now=call.now)
        await touch_catalog(call, call.project_id)


async def reset_chain(call: AdminCall, kind: ChainKind, chain_id: int) -> None:
    """Let every player begin a chain anew, in a window that begins now; no row of a player is touched."""
    async with call.db.begin():
        existing = await lock_chain(call.db, call.project_id, kind, chain_id)
        await queries.save_chain_alone(call.db, drafts.reset(existing, now=call.now), now=call.now)
        await touch_catalog(call, call.project_id)


async def _checked(call: AdminCall, draft: ChainDraft, existing: Chain | None) -> Chain:
    """The chain that a draft makes, all its faults refused together."""
    known = await find_known_items(call.db, call.project_id, draft.skus)
    faults = drafts.draft_faults(draft, known, existing)
    if faults:
        raise invalid(STORE.invalid, faults)
    return drafts.chain_of(draft, known, call.project_id, now=call.now)
