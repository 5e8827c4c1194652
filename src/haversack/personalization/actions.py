"""Changes of filter rules: checked against the project, written in one transaction, told to the catalogs."""

from haversack.catalog.items.drafts import KnownItem
from haversack.catalog.items.queries import find_known_items, list_items_by_ids
from haversack.catalog.versions import touch_catalog
from haversack.database.notifications import notify
from haversack.errors import STORE
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid
from haversack.personalization import queries
from haversack.personalization.drafts import Known, NamedItem, RuleDraft, changed, new_rule, rule_faults
from haversack.projects.directory import PROJECTS_CHANGED
from haversack.projects.queries import save_settings
from haversack.projects.records import Personalization


async def create_rule(call: AdminCall, draft: RuleDraft) -> int:
    """Make a rule and return its id. Faulty fields are refused together (1102)."""
    async with call.db.begin():
        rule = changed(new_rule(call.project_id), draft, await _check(call, draft.items or ()))
        rule_id = await queries.add_rule(call.db, rule, now=call.now)
        await touch_catalog(call, call.project_id)
    return rule_id


async def change_rule(call: AdminCall, rule_id: int, draft: RuleDraft) -> None:
    """Change what a draft names of a rule."""
    async with call.db.begin():
        existing = await queries.lock_rule(call.db, call.project_id, rule_id)
        rule = changed(existing, draft, await _check(call, draft.items or ()))
        await queries.save_rule(call.db, rule, now=call.now)
        await touch_catalog(call, call.project_id)


async def delete_rule(call: AdminCall, rule_id: int) -> None:
    """Take a rule out of the project: what it alone named is for all again."""
    async with call.db.begin():
        await queries.delete_rule(call.db, call.project_id, rule_id)
        await touch_catalog(call, call.project_id)


async def choose_personalization(call: AdminCall, personalization: Personalization) -> None:
    """Let the project's filter rules or its game say what players see. The rules are kept, whoever is asked."""
    async with call.db.begin():
        await save_settings(call.db, call.project_id, personalization=personalization)
        await notify(call.db, PROJECTS_CHANGED, str(call.project_id))
        await touch_catalog(call, call.project_id)
    call.after_commit.append(lambda: call.context.notifications.publish_locally(PROJECTS_CHANGED, str(call.project_id)))


async def _check(call: AdminCall, items: tuple[NamedItem, ...]) -> Known:
    skus = [named.sku for named in items if named.sku is not None]
    ids = [named.item_id for named in items if named.item_id is not None]
    known = Known(
        await find_known_items(call.db, call.project_id, list(dict.fromkeys(skus))),
        {
            item.item_id: KnownItem(item.item_id, item.kind)
            for item in await list_items_by_ids(call.db, call.project_id, list(dict.fromkeys(ids)))
        },
    )
    faults = rule_faults(items, known)
    if faults:
        raise invalid(STORE.invalid, faults)
    return known
