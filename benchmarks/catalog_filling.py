"""Fills a project with a varied catalog of any size, straight into the tables: what is measured is reading it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zlib import crc32

from sqlalchemy import bindparam, insert, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Integer, Text

from haversack.catalog.tables import attribute_values, attributes, item_groups, regions
from haversack.catalog.versions import RAISE_VERSION
from haversack.clock import real_now
from haversack.context import Context

LANGUAGES = ("en", "de", "fr", "es", "ja", "ru")
GROUPS = 20
ATTRIBUTES = 10
COUNTRIES = (("DE", "AT"), ("US", "CA"), ("JP",), ("BR", "PT"))
WORDS = ("Lantern", "Compass", "Feather", "Moth", "Envelope", "Engine", "Chest", "Pearl", "Skiff", "Parcel")
COLUMNS = (
    "project_id",
    "item_id",
    "sku",
    "kind",
    "parent_item_id",
    "name",
    "description",
    "long_description",
    "image_url",
    "media_list",
    "attributes",
    "custom_attributes",
    "prices",
    "virtual_prices",
    "is_free",
    "is_enabled",
    "is_show_in_store",
    "sort_order",
    "region_ids",
    "periods",
    "limits",
    "pre_order",
    "details",
    "created_at",
    "updated_at",
)

CHUNK = 2_000
ADD_ITEMS = text(
    f"INSERT INTO items ({', '.join(COLUMNS)}) SELECT {', '.join(COLUMNS)}"
    " FROM jsonb_populate_recordset(NULL::items, :rows)"
).bindparams(bindparam("rows", type_=JSONB))
ADD_GROUP = (
    insert(item_groups)
    .values(
        project_id=bindparam("project"),
        external_id=bindparam("external"),
        name=bindparam("texts", type_=JSONB),
        is_enabled=True,
        sort_order=bindparam("place"),
        created_at=bindparam("now"),
    )
    .returning(item_groups.c.group_id)
)
ADD_REGION = (
    insert(regions)
    .values(
        project_id=bindparam("project"),
        name=bindparam("texts", type_=JSONB),
        countries=bindparam("listed", type_=ARRAY(Text)),
        created_at=bindparam("now"),
    )
    .returning(regions.c.region_id)
)
ADD_ATTRIBUTE = (
    insert(attributes)
    .values(
        project_id=bindparam("project"),
        external_id=bindparam("external"),
        name=bindparam("texts", type_=JSONB),
        created_at=bindparam("now"),
    )
    .returning(attributes.c.attribute_id)
)
ADD_VALUE = (
    insert(attribute_values)
    .values(
        project_id=bindparam("project"),
        attribute_id=bindparam("attribute", type_=Integer),
        external_id=bindparam("external"),
        value=bindparam("texts", type_=JSONB),
        created_at=bindparam("now"),
    )
    .returning(attribute_values.c.value_id)
)


def texts(english: str) -> dict[str, str]:
    """A text in every language of the catalog."""
    return {language: english if language == "en" else f"{english} ({language})" for language in LANGUAGES}


async def fill_catalog(context: Context, project_id: int, count: int) -> None:
    """Put `count` items into a project: goods, currencies, packages, bundles, games with keys, in groups and regions,
    with prices for countries, periods and limits. Read models are told."""
    db, now = context.database.session(), real_now()
    async with db.begin():
        group_ids = [
            await db.fetch_value(
                ADD_GROUP, project=project_id, external=f"group-{n}", texts=texts(f"Group {n}"), place=n, now=now
            )
            for n in range(GROUPS)
        ]
        region_ids = [
            await db.fetch_value(ADD_REGION, project=project_id, texts={"en-US": "R"}, listed=list(each), now=now)
            for each in COUNTRIES
        ]
        links = []
        for n in range(ATTRIBUTES):
            named = {"project": project_id, "texts": texts(f"Trait {n}"), "now": now}
            attribute = await db.fetch_value(ADD_ATTRIBUTE, external=f"trait-{n}", **named)
            values = [
                await db.fetch_value(ADD_VALUE, attribute=attribute, external=f"value-{v}", **named) for v in range(4)
            ]
            links.append({"attribute_id": attribute, "value_ids": values[:2]})
        first = await _first_id(context, count)
        rows = [_row(project_id, first, n, region_ids, links, now) for n in range(count)]
        for start in range(0, count, CHUNK):
            chunk = [dict(zip(COLUMNS, row, strict=True)) for row in rows[start : start + CHUNK]]
            await db.execute(ADD_ITEMS, rows=chunk)
        members = [(project_id, group_ids[n % GROUPS], first + n, None) for n in range(count) if n % 10]
        await db.copy("item_group_members", ("project_id", "group_id", "item_id", "position"), members)
        limited = [(project_id, row[1], 1000, 1000) for row in rows if row[20] and row[20]["per_item"]]
        await db.copy("item_stocks", ("project_id", "item_id", "total", "available"), limited)
        version = await db.fetch_value(RAISE_VERSION, project=project_id)
    context.notifications.publish_locally("catalog", f"{project_id}:{version}:here")


async def _first_id(context: Context, count: int) -> int:
    async with context.database.connection() as connection:
        first: int = await connection.fetchval(
            "SELECT setval(pg_get_serial_sequence('items', 'item_id'),"
            " nextval(pg_get_serial_sequence('items', 'item_id')) + $1) - $1",
            count,
        )
    return first


def _kinds(place: int) -> str:
    """The kind of the item at a place: of twenty, thirteen goods, two packages, two bundles, the rest one each."""
    package = "virtual_currency_package"
    named = {0: "virtual_currency", 1: "game", 2: "game_key", 3: package, 4: package}
    return named.get(place % 20, "bundle" if place % 20 in (5, 6) else "virtual_good")


def _row(project_id: int, first: int, n: int, region_ids: list[int], links: list[Any], now: Any) -> tuple[Any, ...]:
    kind, start = _kinds(n), first + n - n % 20
    content = {
        "virtual_currency_package": [{"item_id": start, "quantity": 100}],
        "bundle": [{"item_id": start, "quantity": 10}, *({"item_id": start + k, "quantity": 1} for k in (7, 8, 9))],
    }.get(kind, [])
    details: dict[str, Any] = {"content": content} if content else {}
    if kind == "game_key":
        details = {"drm_sku": "steam"}
    elif kind == "virtual_good" and n % 3 == 0:
        details = {"is_consumable": True, "usages_count": 1}
    word = WORDS[n % len(WORDS)]
    periods = [{"date_from": (now - timedelta(days=1)).isoformat(timespec="seconds"), "date_until": None}]
    limits = {
        "per_item": 1000 if n % 40 == 17 else None,
        "per_user": {"total": 5, "limit_exceeded_visibility": "show"},
        "schedule": {
            "interval_type": "daily",
            "time": "00:00:00+00:00",
            "day_of_week": None,
            "day_of_month": None,
            "started_at": None,
        },
    }
    return (
        project_id,
        first + n,
        f"item-{n:06}",
        kind,
        first + n - 1 if kind == "game_key" else None,
        texts(f"{word} number {n}"),
        texts(f"A {word.lower()} of the second island, found under its lighthouse by keeper {n}."),
        None,
        f"https://pictures.example.com/{word.lower()}-{n % 100}.webp",
        [{"type": "image", "url": f"https://pictures.example.com/{n}.webp"}],
        links[n % 5 : n % 5 + 2],
        {"rank": n} if n % 7 == 0 else None,
        [] if kind in ("game", "virtual_currency") else list(_prices(n)),
        [{"sku": f"item-{n - n % 20:06}", "amount": 100 + n % 50, "is_default": True, "is_enabled": True}]
        if n % 4 == 0 and kind == "virtual_good"
        else [],
        False,
        True,
        True,
        crc32(b"%d" % n) % 100,
        [region_ids[n % 4]] if n % 25 == 9 else [],
        periods if n % 20 == 11 else [],
        limits if n % 10 == 7 else None,
        None,
        details,
        now,
        now,
    )


def _prices(n: int) -> Iterator[dict[str, Any]]:
    plain = {"country_iso": None, "is_default": False, "is_enabled": True}
    yield {**plain, "amount": f"{1 + n % 60}.99", "currency": "USD", "is_default": True}
    for country, currency in (("DE", "EUR"), ("FR", "EUR"), ("JP", "JPY")):
        amount = str(100 + n % 900) if currency == "JPY" else f"{1 + n % 50}.49"
        yield {**plain, "amount": amount, "currency": currency, "country_iso": country}
