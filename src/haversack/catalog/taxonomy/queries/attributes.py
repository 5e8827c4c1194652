"""Reads and writes of attributes, of their values, and of the links that items have to them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import Executable, Integer, Text, any_, bindparam, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from haversack.catalog.records import Attribute, AttributeLink, AttributeValue
from haversack.catalog.tables import attribute_values, attributes, items
from haversack.database.engine import Session
from haversack.errors import ATTRIBUTE_NOT_FOUND
from haversack.text import Translations

_project = bindparam("project", type_=Integer)
_attribute_id = bindparam("attribute", type_=Integer)
_externals = bindparam("externals", type_=ARRAY(Text))
_ids = bindparam("ids", type_=ARRAY(Integer))

_with_values = (
    select(
        attributes.c.attribute_id,
        attributes.c.external_id,
        attributes.c.name,
        attribute_values.c.value_id,
        attribute_values.c.external_id.label("value_external_id"),
        attribute_values.c.value,
    )
    .outerjoin(
        attribute_values,
        (attribute_values.c.project_id == attributes.c.project_id)
        & (attribute_values.c.attribute_id == attributes.c.attribute_id),
    )
    .where(attributes.c.project_id == _project)
    .order_by(attributes.c.attribute_id, attribute_values.c.value_id)
)
LIST_ATTRIBUTES = _with_values
FIND_ATTRIBUTES = _with_values.where(attributes.c.external_id == any_(_externals))
PAGE_OF_ATTRIBUTES = (
    select(attributes)
    .where(attributes.c.project_id == _project)
    .order_by(attributes.c.attribute_id)
    .offset(bindparam("skip", type_=Integer))
    .limit(bindparam("most", type_=Integer))
)
COUNT_ATTRIBUTES = select(func.count()).select_from(attributes).where(attributes.c.project_id == _project)

# Three locks on a definition. A writer of items shares it, so that nobody deletes what its links name; a writer of
# values is alone among these; one who deletes waits for all the others and keeps them out.
_definitions = (
    select(attributes.c.attribute_id, attributes.c.external_id)
    .where(attributes.c.project_id == _project, attributes.c.external_id == any_(_externals))
    .order_by(attributes.c.attribute_id)
)
LOCK_FOR_LINKS = _definitions.with_for_update(read=True, key_share=True)
LOCK_FOR_VALUES = _definitions.with_for_update(key_share=True)
LOCK_FOR_DELETE = _definitions.with_for_update()

_new_definitions = (
    func.unnest(_externals, bindparam("names", type_=ARRAY(JSONB)))
    .table_valued("external_id", "name", name="given")
    .render_derived()
)
ADD_ATTRIBUTES = (
    insert(attributes)
    .from_select(
        ["project_id", "external_id", "name", "created_at"],
        select(
            _project,
            _new_definitions.c.external_id,
            _new_definitions.c.name,
            bindparam("now", type_=attributes.c.created_at.type),
        ),
    )
    .on_conflict_do_nothing(index_elements=["project_id", "external_id"])
    .returning(attributes.c.attribute_id)
)
UPDATE_ATTRIBUTE = (
    update(attributes)
    .where(attributes.c.project_id == _project, attributes.c.attribute_id == _attribute_id)
    .values(external_id=bindparam("new_external"), name=bindparam("new_name", type_=JSONB))
)
DELETE_ATTRIBUTE = delete(attributes).where(
    attributes.c.project_id == _project, attributes.c.attribute_id == _attribute_id
)

_new_values = (
    func.unnest(_externals, bindparam("texts", type_=ARRAY(JSONB)))
    .table_valued("external_id", "value", name="given")
    .render_derived()
)
ADD_VALUES = (
    insert(attribute_values)
    .from_select(
        ["project_id", "attribute_id", "external_id", "value", "created_at"],
        select(
            _project,
            _attribute_id,
            _new_values.c.external_id,
            _new_values.c.value,
            bindparam("now", type_=attribute_values.c.created_at.type),
        ),
    )
    .on_conflict_do_nothing(index_elements=["project_id", "attribute_id", "external_id"])
    .returning(attribute_values.c.value_id)
)
_one_value = (
    attribute_values.c.project_id == _project,
    attribute_values.c.attribute_id == _attribute_id,
    attribute_values.c.value_id == bindparam("value", type_=Integer),
)
UPDATE_VALUE = (
    update(attribute_values)
    .where(*_one_value)
    .values(external_id=bindparam("new_external"), value=bindparam("new_value", type_=JSONB))
)
DELETE_VALUE = delete(attribute_values).where(*_one_value)
DELETE_VALUES = delete(attribute_values).where(
    attribute_values.c.project_id == _project, attribute_values.c.attribute_id == _attribute_id
)

LOCK_LINKED_ITEMS = (
    select(items.c.item_id, items.c.attributes)
    .where(items.c.project_id == _project, items.c.attributes.contains(bindparam("link", type_=JSONB)))
    .order_by(items.c.item_id)
    .with_for_update()
)
# The links of all items come as one object by item id: arrays of JSON lists would be read as arrays of two dimensions.
SAVE_LINKS = (
    update(items)
    .where(items.c.project_id == _project, items.c.item_id == any_(_ids))
    .values(
        attributes=bindparam("links", type_=JSONB).op("->")(cast(items.c.item_id, Text)),
        updated_at=bindparam("now", type_=items.c.updated_at.type),
    )
)


def _attributes(rows: Iterable[asyncpg.Record]) -> list[Attribute]:
    found: dict[int, tuple[asyncpg.Record, list[AttributeValue]]] = {}
    for row in rows:
        _, values = found.setdefault(row["attribute_id"], (row, []))
        if row["value_id"] is not None:
            values.append(AttributeValue(row["value_id"], row["value_external_id"], row["value"]))
    return [
        Attribute(attribute_id, row["external_id"], row["name"], tuple(values))
        for attribute_id, (row, values) in found.items()
    ]


async def list_attributes(db: Session, project_id: int) -> list[Attribute]:
    """The project's attributes with their values, both in the order in which they were made."""
    return _attributes(await db.fetch_all(LIST_ATTRIBUTES, project=project_id))


async def find_attributes(db: Session, project_id: int, external_ids: Iterable[str]) -> dict[str, Attribute]:
    """Those of the named attributes that there are, with their values."""
    rows = await db.fetch_all(FIND_ATTRIBUTES, project=project_id, externals=list(external_ids))
    return {attribute.external_id: attribute for attribute in _attributes(rows)}


async def get_attribute(db: Session, project_id: int, external_id: str) -> Attribute:
    """An attribute with its values, or ATTRIBUTE_NOT_FOUND."""
    found = await find_attributes(db, project_id, [external_id])
    if external_id not in found:
        raise ATTRIBUTE_NOT_FOUND()
    return found[external_id]


async def page_of_attributes(db: Session, project_id: int, *, offset: int, limit: int) -> tuple[list[Attribute], int]:
    """Attributes without their values from a place on, and how many there are in all."""
    rows = await db.fetch_all(PAGE_OF_ATTRIBUTES, project=project_id, skip=offset, most=limit)
    total = int(await db.fetch_value(COUNT_ATTRIBUTES, project=project_id))
    return [Attribute(row["attribute_id"], row["external_id"], row["name"]) for row in rows], total


async def lock_attributes_for_links(db: Session, project_id: int, external_ids: Iterable[str]) -> dict[str, Attribute]:
    """The named attributes with their values; until the transaction ends nobody deletes any of them."""
    return await _locked(db, LOCK_FOR_LINKS, project_id, list(external_ids))


async def lock_attributes_for_values(db: Session, project_id: int, external_ids: Iterable[str]) -> dict[str, Attribute]:
    """The named attributes with their values; until the transaction ends nobody changes their values."""
    return await _locked(db, LOCK_FOR_VALUES, project_id, list(external_ids))


async def lock_attribute_for_values(db: Session, project_id: int, external_id: str) -> Attribute:
    """The attribute, for adding or changing values, or ATTRIBUTE_NOT_FOUND."""
    found = await lock_attributes_for_values(db, project_id, [external_id])
    if external_id not in found:
        raise ATTRIBUTE_NOT_FOUND()
    return found[external_id]


async def lock_attribute_for_delete(db: Session, project_id: int, external_id: str) -> Attribute:
    """The attribute, for deleting it or values of it, or ATTRIBUTE_NOT_FOUND."""
    found = await _locked(db, LOCK_FOR_DELETE, project_id, [external_id])
    if external_id not in found:
        raise ATTRIBUTE_NOT_FOUND()
    return found[external_id]


async def _locked(db: Session, lock: Executable, project_id: int, external_ids: list[str]) -> dict[str, Attribute]:
    assert db.in_transaction, "a lock lasts as long as its transaction"
    rows = await db.fetch_all(lock, project=project_id, externals=external_ids)
    locked = {row["attribute_id"] for row in rows}
    # Read after the lock: a statement that has waited for it shows the values from before its wait. What was made
    # between the two is not locked, and so not there yet.
    found = await find_attributes(db, project_id, external_ids)
    return {key: attribute for key, attribute in found.items() if attribute.attribute_id in locked}


async def add_attributes(db: Session, project_id: int, named: Mapping[str, Translations], now: datetime) -> int:
    """Make attributes, by external id with their names; how many were new. In the order of the ids, so that two who
    make the same ones do not wait for each other in a ring."""
    order = sorted(named)
    names = [dict(named[each]) for each in order]
    rows = await db.fetch_all(ADD_ATTRIBUTES, project=project_id, externals=order, names=names, now=now)
    return len(rows)


async def update_attribute(
    db: Session, project_id: int, attribute_id: int, *, external_id: str, name: Translations
) -> None:
    """Give an attribute a name and an external id; asyncpg.UniqueViolationError if another one has the id."""
    await db.execute(
        UPDATE_ATTRIBUTE,
        project=project_id,
        attribute=attribute_id,
        new_external=external_id,
        new_name=dict(name),
    )


async def delete_attribute(db: Session, project_id: int, attribute_id: int) -> None:
    """Delete a locked attribute and its values."""
    await db.execute(DELETE_ATTRIBUTE, project=project_id, attribute=attribute_id)


async def add_values(
    db: Session, project_id: int, attribute_id: int, texts: Mapping[str, Translations], now: datetime
) -> int:
    """Give a locked attribute values, by external id with their texts, in this order; how many were new."""
    rows = await db.fetch_all(
        ADD_VALUES,
        project=project_id,
        attribute=attribute_id,
        externals=list(texts),
        texts=[dict(text) for text in texts.values()],
        now=now,
    )
    return len(rows)


async def update_value(
    db: Session, project_id: int, attribute_id: int, value_id: int, *, external_id: str, value: Translations
) -> None:
    """Give a value a text and an external id; the attribute is locked."""
    await db.execute(
        UPDATE_VALUE,
        project=project_id,
        attribute=attribute_id,
        value=value_id,
        new_external=external_id,
        new_value=dict(value),
    )


async def delete_value(db: Session, project_id: int, attribute_id: int, value_id: int) -> None:
    """Delete a value of a locked attribute."""
    await db.execute(DELETE_VALUE, project=project_id, attribute=attribute_id, value=value_id)


async def delete_values(db: Session, project_id: int, attribute_id: int) -> None:
    """Delete all values of a locked attribute."""
    await db.execute(DELETE_VALUES, project=project_id, attribute=attribute_id)


async def lock_linked_items(
    db: Session, project_id: int, attribute_id: int, value_id: int | None = None
) -> dict[int, tuple[AttributeLink, ...]]:
    """The links of the items that have the attribute (and the value), locked, by item id."""
    link: dict[str, Any] = {"attribute_id": attribute_id}
    if value_id is not None:
        link["value_ids"] = [value_id]
    rows = await db.fetch_all(LOCK_LINKED_ITEMS, project=project_id, link=[link])
    return {
        row["item_id"]: tuple(
            AttributeLink(each["attribute_id"], tuple(each["value_ids"])) for each in row["attributes"]
        )
        for row in rows
    }


async def save_links(db: Session, project_id: int, links: Mapping[int, Sequence[AttributeLink]], now: datetime) -> None:
    """Give locked items other links."""
    await db.execute(
        SAVE_LINKS,
        project=project_id,
        ids=list(links),
        links={
            str(item_id): [{"attribute_id": link.attribute_id, "value_ids": list(link.value_ids)} for link in each]
            for item_id, each in links.items()
        },
        now=now,
    )
