"""The version of a project's catalog: raised in the transaction of each write, told to every process at its commit."""

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from haversack.catalog.tables import catalogs
from haversack.database.engine import Session
from haversack.database.notifications import notify
from haversack.http.calls import Call

CATALOG_CHANGED = "catalog"
# Ends the key of what this process itself has written: its readers wait until they see it.
HERE = "here"

_raised = insert(catalogs).values(project_id=bindparam("project"), version=1)
RAISE_VERSION = _raised.on_conflict_do_update(
    index_elements=["project_id"], set_={"version": catalogs.c.version + 1}
).returning(catalogs.c.version)
FIND_VERSION = select(catalogs.c.version).where(catalogs.c.project_id == bindparam("project"))


async def touch_catalog(call: Call, project_id: int) -> int:
    """Say, inside the transaction that changes a catalog, that it has changed; the new version.

    The process that wrote forgets its read model right after the commit, the others when they are notified. Writers
    of one catalog wait here for each other, so call it last.
    """
    version = await raise_version(call.db, project_id)
    call.after_commit.append(
        lambda: call.context.notifications.publish_locally(CATALOG_CHANGED, f"{project_id}:{version}:{HERE}")
    )
    return version


async def raise_version(db: Session, project_id: int) -> int:
    """Say the same where no request is made: in imports and seeds; the new version.

    Every process hears of it, this one too, and none of its readers waits for it.
    """
    assert db.in_transaction, "the version belongs to the transaction of the change"
    version = int(await db.fetch_value(RAISE_VERSION, project=project_id))
    await notify(db, CATALOG_CHANGED, f"{project_id}:{version}")
    return version


async def find_version(db: Session, project_id: int) -> int:
    """The version of a project's catalog; 0 before the first write."""
    return int(await db.fetch_value(FIND_VERSION, project=project_id) or 0)
