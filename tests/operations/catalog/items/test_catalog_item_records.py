"""Items as the rest of the server reads and writes them: straight from the catalog, whatever their kind."""

from decimal import Decimal

import httpx

from haversack.catalog.items.drafts import ContentDraft, ItemDraft
from haversack.catalog.items.queries import (
    SLICE,
    find_item_by_id,
    find_item_by_sku,
    list_items,
)
from haversack.catalog.records import ContentEntry, ItemKind, Price
from haversack.context import Context
from make.catalog import admin_path, bundle, game, game_key, make_item, save_draft, save_virtual_item, version_of
from make.projects import Studio
from make.taxonomy import make_group


async def test_every_item_is_listed_once(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    group_ids = [await make_group(client, studio, name) for name in ("a", "b")]
    ids = [await save_virtual_item(studio, f"lamp-{number}") for number in range(SLICE)]
    ids.append(await save_virtual_item(studio, "last", groups=("b", "a")))
    made = await make_item(client, studio, "game", game(game_key(sku="key"), sku="saga"))
    await client.delete(admin_path(studio, "virtual_item", "/sku/lamp-0"), auth=studio.basic)
    found = await list_items(context.database.session(), studio.project_id)
    key_id = made["unit_items"][0]["item_id"]
    assert [item.item_id for item in found] == [*ids[1:], made["item_id"], key_id]
    assert found[SLICE - 1].group_ids == tuple(group_ids)
    assert found[-1].parent_item_id == made["item_id"]


async def test_items_are_found_by_kind(studio: Studio, other_studio: Studio, context: Context) -> None:
    item_id = await save_virtual_item(studio, "lamp")
    db = context.database.session()
    found = await find_item_by_sku(db, studio.project_id, "lamp")
    assert found is not None
    assert found.prices == (Price(Decimal("9.99"), "USD", is_default=True),)
    assert await find_item_by_id(db, studio.project_id, item_id) == found
    for kinds, expected in (((ItemKind.VIRTUAL_GOOD, ItemKind.GAME), found), ((ItemKind.BUNDLE,), None)):
        assert await find_item_by_sku(db, studio.project_id, "lamp", kinds) == expected
        assert await find_item_by_id(db, studio.project_id, item_id, kinds) == expected
    assert await find_item_by_sku(db, other_studio.project_id, "lamp") is None
    assert await find_item_by_id(db, other_studio.project_id, item_id) is None


async def test_kinds_without_calls_are_saved_too(studio: Studio, context: Context) -> None:
    """Physical goods come by import and seed alone."""
    item_id = await save_draft(
        studio, ItemDraft(kind=ItemKind.PHYSICAL_GOOD, sku="mug", name={"en": "Mug"}, is_free=True)
    )
    found = await find_item_by_sku(context.database.session(), studio.project_id, "mug")
    assert found is not None
    assert (found.item_id, found.kind, found.is_free) == (item_id, ItemKind.PHYSICAL_GOOD, True)


async def test_content_is_held_by_id(studio: Studio, context: Context) -> None:
    lamp = await save_virtual_item(studio, "lamp")
    draft = ItemDraft(kind=ItemKind.BUNDLE, sku="crate", name={"en": "Crate"}, content=(ContentDraft("lamp", 3),))
    item_id = await save_draft(studio, draft)
    found = await find_item_by_id(context.database.session(), studio.project_id, item_id)
    assert found is not None
    assert found.details.content == (ContentEntry(lamp, 3),)


async def test_every_write_raises_the_catalogs_version(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    versions = [await version_of(studio)]

    async def _version() -> int:
        versions.append(await version_of(studio))
        return versions[-1] - versions[-2]

    await save_virtual_item(studio, "lamp")
    await make_item(client, studio, "bundle", bundle("lamp", sku="crate"))
    assert await _version() == 1
    for method, path, body, raised in (
        ("PUT", "/sku/crate", bundle("lamp", sku="crate"), 1),
        ("PUT", "/sku/crate", bundle("nothing", sku="crate"), 0),
        ("PUT", "/sku/crate/show", None, 1),
        ("PUT", "/sku/nothing/hide", None, 0),
        ("DELETE", "/sku/crate", None, 1),
        ("DELETE", "/sku/crate", None, 0),
    ):
        await client.request(method, admin_path(studio, "bundle", path), json=body, auth=studio.basic)
        assert await _version() == raised, (method, path)
