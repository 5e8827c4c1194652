"""Makes attributes, groups, regions, and the least of items that can be put into them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from sqlalchemy import Boolean, Integer, bindparam, column, func, insert, literal_column, select, table, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from haversack.catalog.records import AttributeLink, ItemKind
from haversack.catalog.tables import item_group_members, item_groups, items
from haversack.database.engine import Session
from make.projects import Studio

PUT_ITEM = (
    insert(items)
    .values(
        project_id=bindparam("project"),
        sku=bindparam("sku"),
        kind=bindparam("kind"),
        parent_item_id=bindparam("parent"),
        name=bindparam("name", type_=JSONB),
        attributes=bindparam("links", type_=JSONB),
        region_ids=bindparam("region_ids", type_=ARRAY(Integer)),
        is_free=bindparam("off", type_=Boolean),
        is_enabled=bindparam("on", type_=Boolean),
        is_show_in_store=bindparam("on", type_=Boolean),
        sort_order=bindparam("order"),
        created_at=func.now(),
        updated_at=func.now(),
    )
    .returning(items.c.item_id)
)
PUT_INTO_GROUP = insert(item_group_members).from_select(
    ["project_id", "group_id", "item_id"],
    select(item_groups.c.project_id, item_groups.c.group_id, bindparam("item", type_=Integer)).where(
        item_groups.c.project_id == bindparam("project"), item_groups.c.external_id == bindparam("external")
    ),
)
FIND_LINKS = select(items.c.attributes).where(
    items.c.project_id == bindparam("project"), items.c.item_id == bindparam("item")
)
LIST_PLACES = (
    select(item_group_members.c.item_id, item_group_members.c.position)
    .join(
        item_groups,
        (item_groups.c.project_id == item_group_members.c.project_id)
        & (item_groups.c.group_id == item_group_members.c.group_id),
    )
    .where(item_groups.c.project_id == bindparam("project"), item_groups.c.external_id == bindparam("external"))
)
FIND_GROUP = select(item_groups).where(
    item_groups.c.project_id == bindparam("project"), item_groups.c.external_id == bindparam("external")
)
SET_PARENT = (
    update(item_groups)
    .where(item_groups.c.project_id == bindparam("project"), item_groups.c.external_id == bindparam("child"))
    .values(parent_group_id=bindparam("parent"))
)


WRITE_LINKS = (
    update(items)
    .where(items.c.project_id == bindparam("project"), items.c.item_id == bindparam("item"))
    .values(attributes=bindparam("links", type_=JSONB))
)
_activity = table("pg_stat_activity", column("datname"), column("wait_event_type"))
COUNT_BLOCKED = (
    select(func.count())
    .select_from(_activity)
    .where(_activity.c.datname == func.current_database(), _activity.c.wait_event_type == literal_column("'Lock'"))
)


def admin(studio: Studio) -> str:
    """The base of the studio's calls."""
    return f"/api/v2/project/{studio.project_id}/admin"


def new_group(external_id: str = "lamps", **changes: Any) -> dict[str, Any]:
    """The body of a group."""
    return {"external_id": external_id, "name": {"en": external_id.title()}, **changes}


def new_attribute(external_id: str = "genre", **changes: Any) -> dict[str, Any]:
    """The body of an attribute."""
    return {"external_id": external_id, "name": {"en": external_id.title()}, **changes}


def new_value(external_id: str = "puzzle", **changes: Any) -> dict[str, Any]:
    """The body of an attribute's value."""
    return {"external_id": external_id, "value": {"en": external_id.title()}, **changes}


def new_region(**changes: Any) -> dict[str, Any]:
    """The body of a region."""
    return {"name": {"en-US": "Nordics"}, "countries": ["DK", "SE"], **changes}


async def make_group(client: httpx.AsyncClient, studio: Studio, external_id: str, **changes: Any) -> int:
    """A group; its number."""
    url = f"{admin(studio)}/items/groups"
    reply = await client.post(url, auth=studio.basic, json=new_group(external_id, **changes))
    assert reply.status_code == 201, reply.text
    reply = await client.get(f"{url}/{external_id}", auth=studio.basic)
    return int(reply.json()["id"])


async def make_attribute(
    client: httpx.AsyncClient, studio: Studio, external_id: str = "genre", values: Sequence[str] = ()
) -> str:
    """An attribute with values; its address."""
    url = f"{admin(studio)}/attribute"
    reply = await client.post(url, auth=studio.basic, json=new_attribute(external_id))
    assert reply.status_code == 201, reply.text
    for value in values:
        reply = await client.post(f"{url}/{external_id}/value", auth=studio.basic, json=new_value(value))
        assert reply.status_code == 201, reply.text
    return f"{url}/{external_id}"


async def make_region(client: httpx.AsyncClient, studio: Studio, **changes: Any) -> int:
    """A region; its id."""
    reply = await client.post(f"{admin(studio)}/region", auth=studio.basic, json=new_region(**changes))
    assert reply.status_code == 201, reply.text
    return int(reply.json()["region_id"])


async def put_item(
    studio: Studio,
    sku: str,
    *,
    kind: ItemKind = ItemKind.VIRTUAL_GOOD,
    parent: int | None = None,
    links: Sequence[AttributeLink] = (),
    region_ids: Sequence[int] = (),
    groups: Sequence[str] = (),
) -> int:
    """An item with nothing but what is given, straight into its table; its id."""
    db = studio.context.database.session()
    item_id = int(
        await db.fetch_value(
            PUT_ITEM,
            project=studio.project_id,
            sku=sku,
            kind=kind.value,
            parent=parent,
            name={"en": sku},
            links=[{"attribute_id": each.attribute_id, "value_ids": list(each.value_ids)} for each in links],
            region_ids=list(region_ids),
            off=False,
            on=True,
            order=1,
        )
    )
    for external_id in groups:
        done = await db.execute(PUT_INTO_GROUP, project=studio.project_id, item=item_id, external=external_id)
        assert done == 1
    return item_id


async def links_of(studio: Studio, item_id: int) -> list[dict[str, Any]]:
    """The attributes of an item as they are stored."""
    db = studio.context.database.session()
    links: list[dict[str, Any]] = await db.fetch_value(FIND_LINKS, project=studio.project_id, item=item_id)
    return links


async def places_of(studio: Studio, external_id: str) -> dict[int, int | None]:
    """Where the items of a group stand, by their ids."""
    rows = await studio.context.database.session().fetch_all(
        LIST_PLACES, project=studio.project_id, external=external_id
    )
    return {row["item_id"]: row["position"] for row in rows}


async def put_under(studio: Studio, child: str, parent_id: int) -> None:
    """Nest a group, which no call does."""
    db = studio.context.database.session()
    assert await db.execute(SET_PARENT, project=studio.project_id, child=child, parent=parent_id) == 1


async def parent_of(studio: Studio, external_id: str) -> int | None:
    """The number of a group's parent."""
    row = await studio.context.database.session().fetch_one(FIND_GROUP, project=studio.project_id, external=external_id)
    assert row is not None
    parent: int | None = row["parent_group_id"]
    return parent


def refusal(reply: httpx.Response) -> tuple[int, int]:
    """Status and code of a refusal; both statuses are the same."""
    body = reply.json()
    assert body["statusCode"] == reply.status_code
    return reply.status_code, body["errorCode"]


def faulty_fields(reply: httpx.Response) -> set[str]:
    """The fields that a refusal names."""
    return {fault["property"] for fault in reply.json()["errorMessageExtended"]}


async def write_links(studio: Studio, db: Session, item_id: int, links: Sequence[AttributeLink]) -> None:
    """Give an item other attributes, in the session's transaction."""
    stored = [{"attribute_id": each.attribute_id, "value_ids": list(each.value_ids)} for each in links]
    assert await db.execute(WRITE_LINKS, project=studio.project_id, item=item_id, links=stored) == 1


async def wait_until_blocked(studio: Studio, *, seconds: float = 10.0) -> None:
    """Return when a statement of this database waits for a lock."""
    db = studio.context.database.session()
    async with asyncio.timeout(seconds):
        while not await db.fetch_value(COUNT_BLOCKED):  # noqa: ASYNC110 - PostgreSQL tells nobody of it
            await asyncio.sleep(0.01)
