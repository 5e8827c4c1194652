"""Making projects and the keys that open them, and rotating those keys."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Unpack
from uuid import UUID, uuid4

from haversack.catalog.versions import raise_version
from haversack.clock import Clock
from haversack.context import Context
from haversack.database.engine import Session
from haversack.database.notifications import notify
from haversack.login.actions import create_client, create_login_project
from haversack.projects import queries
from haversack.projects.directory import PROJECTS_CHANGED
from haversack.projects.keys import KeyKind, hash_of, hint_of, new_key
from haversack.projects.records import ChangedSettings, Project

MERCHANT_KIND = {KeyKind.PROJECT_LIVE: KeyKind.MERCHANT_LIVE, KeyKind.PROJECT_TEST: KeyKind.MERCHANT_TEST}
CLIENT_KIND = {KeyKind.PROJECT_LIVE: KeyKind.CLIENT_LIVE, KeyKind.PROJECT_TEST: KeyKind.CLIENT_TEST}


@dataclass(frozen=True, slots=True)
class CreatedProject:
    """A new project with its secrets, which are shown this once."""

    merchant_id: int
    project_id: int
    login_project_id: UUID
    client_id: int
    api_key: str = field(repr=False)
    merchant_key: str = field(repr=False)
    host_id: UUID = field(repr=False)
    client_secret: str = field(repr=False)


async def create_project(
    context: Context,
    *,
    name: str,
    merchant_name: str,
    kind: KeyKind = KeyKind.PROJECT_LIVE,
    merchant_id: int | None = None,
    login_project_id: UUID | None = None,
    is_demo: bool = False,
) -> CreatedProject:
    """Make a project with everything that it takes to call it. Without the ids, a merchant and a login project too."""
    db = context.database.session()
    async with db.begin():
        if merchant_id is None:
            merchant_id = await queries.add_merchant(db, merchant_name)
        if login_project_id is None:
            login_project_id = await create_login_project(db, context.sealer, merchant_id=merchant_id, name=name)
        client_id, client_secret = await create_client(
            db, login_project_id=login_project_id, name=f"{name} server", secret_kind=CLIENT_KIND[kind]
        )
        project_id = await queries.add_project(
            db, merchant_id=merchant_id, login_project_id=login_project_id, name=name, is_demo=is_demo
        )
        api_key = await _add_key(db, merchant_id=merchant_id, project_id=project_id, kind=kind)
        merchant_key = await _add_key(db, merchant_id=merchant_id, project_id=None, kind=MERCHANT_KIND[kind])
        host_id = uuid4()
        await queries.add_host_id(db, project_id=project_id, host_id_hash=hash_of(str(host_id)))
        await notify(db, PROJECTS_CHANGED, str(project_id))
    context.notifications.publish_locally(PROJECTS_CHANGED, str(project_id))
    return CreatedProject(
        merchant_id=merchant_id,
        project_id=project_id,
        login_project_id=login_project_id,
        client_id=client_id,
        api_key=api_key[0],
        merchant_key=merchant_key[0],
        host_id=host_id,
        client_secret=client_secret,
    )


async def _add_key(db: Session, *, merchant_id: int, project_id: int | None, kind: KeyKind) -> tuple[str, int]:
    key = new_key(kind)
    key_id = await queries.add_key(
        db, merchant_id=merchant_id, project_id=project_id, key_hash=hash_of(key), hint=hint_of(key)
    )
    return key, key_id


async def rotate_key(
    context: Context, project: Project, *, for_merchant: bool, kind: KeyKind, overlap: timedelta
) -> str:
    """A new API key; the old ones of its kind open for the overlap only."""
    db = context.database.session()
    project_id = None if for_merchant else project.project_id
    async with db.begin():
        key, key_id = await _add_key(
            db,
            merchant_id=project.merchant_id,
            project_id=project_id,
            kind=MERCHANT_KIND[kind] if for_merchant else kind,
        )
        await queries.expire_keys(
            db, merchant_id=project.merchant_id, project_id=project_id, kept_key_id=key_id, overlap=overlap
        )
        await notify(db, PROJECTS_CHANGED, str(project.project_id))
    context.notifications.publish_locally(PROJECTS_CHANGED)
    return key


async def rotate_host_id(context: Context, project: Project, *, overlap: timedelta) -> UUID:
    """A new host id; the old ones open for the overlap only."""
    db = context.database.session()
    host_id = uuid4()
    async with db.begin():
        kept = hash_of(str(host_id))
        await queries.add_host_id(db, project_id=project.project_id, host_id_hash=kept)
        await queries.expire_host_ids(db, project_id=project.project_id, kept_hash=kept, overlap=overlap)
        await notify(db, PROJECTS_CHANGED, str(project.project_id))
    context.notifications.publish_locally(PROJECTS_CHANGED)
    return host_id


async def save_settings(context: Context, project_id: int, **settings: Unpack[ChangedSettings]) -> None:
    """Change how a project's webhooks are formed, ordered and retried, what becomes of its orders, and who says which
    items a player sees."""

    async def change(db: Session) -> None:
        await queries.save_settings(db, project_id, **settings)
        if settings.get("personalization") is not None:
            await raise_version(db, project_id)

    await _change(context, change)


async def set_clock(context: Context, project_id: int, clock: Clock) -> None:
    """Move or freeze the clock of a project."""
    await _change(context, lambda db: queries.set_clock(db, project_id, clock))


async def _change(context: Context, change: Callable[[Session], Awaitable[object]]) -> None:
    db = context.database.session()
    async with db.begin():
        await change(db)
        await notify(db, PROJECTS_CHANGED)
    context.notifications.publish_locally(PROJECTS_CHANGED)
