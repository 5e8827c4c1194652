"""Seeded catalogs, and the demo's shop: what they hold, and that players see it."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from PIL import Image

import haversack.demo
from haversack.catalog.items.queries import list_items
from haversack.catalog.records import ItemKind, VirtualItemType
from haversack.catalog.transfer.seeding import SeedRefused, seed_catalog
from haversack.context import Context
from haversack.demo.seed import Demo, seed_demo
from haversack.demo.shop import demo_shop
from make.projects import Studio
from make.transfer import export_bytes, export_of

PICTURES = Path(haversack.demo.__file__).parent / "pictures"


@pytest.mark.parametrize("items", [1, 3, 40])
async def test_small_seeds(context: Context, studio: Studio, items: int) -> None:
    assert await seed_catalog(context, studio.project_id, items=items) == items
    assert len(await list_items(context.database.session(), studio.project_id)) == items


async def test_the_same_seed_is_the_same_catalog(context: Context, studio: Studio, other_studio: Studio) -> None:
    for each in (studio, other_studio, studio):  # the last one finds everything there
        await seed_catalog(context, each.project_id, items=300, seed=9)
    assert await export_bytes(studio) == await export_bytes(other_studio)
    await seed_catalog(context, other_studio.project_id, items=300, seed=10)
    assert await export_bytes(studio) != await export_bytes(other_studio)


async def test_a_seed_is_varied(context: Context, studio: Studio) -> None:
    await seed_catalog(context, studio.project_id, items=1500, seed=2)
    items = await list_items(context.database.session(), studio.project_id)
    kinds = Counter(item.kind for item in items)
    assert set(kinds) == set(ItemKind)
    assert kinds[ItemKind.VIRTUAL_GOOD] > 900
    goods = [item for item in items if item.kind is ItemKind.VIRTUAL_GOOD]
    assert {item.virtual_item_type for item in goods} == set(VirtualItemType)
    assert {language for item in items for language in item.name} >= {"en", "de", "fr", "es", "ja"}
    assert {price.currency for item in items for price in item.prices} >= {"USD", "EUR", "JPY", "KWD"}
    schedules = {item.limits.schedule.interval_type for item in items if item.limits and item.limits.schedule}
    assert schedules == {"hourly", "daily", "weekly", "monthly"}
    for part in ("region_ids", "periods", "attributes", "group_ids", "pre_order", "custom_attributes", "media_list"):
        assert any(getattr(item, part) for item in items), part
    nested = {entry.item_id for item in items for entry in item.details.content}
    assert {item.kind for item in items if item.item_id in nested} >= {ItemKind.BUNDLE, ItemKind.GAME_KEY}
    groups = {group["external_id"]: group.get("parent_external_id") for group in (await export_of(studio))["groups"]}
    assert any(groups[parent] for parent in groups.values() if parent), "groups of three levels"


async def test_a_seed_without_its_project(context: Context) -> None:
    with pytest.raises(SeedRefused, match="There is no project 2147483647"):
        await seed_catalog(context, 2**31 - 1, items=1)


# -- The demo -------------------------------------------------------------------------------------------------------


async def demo_of(context: Context, folder: Path) -> Demo:
    settings = context.settings.model_copy(update={"data_folder": folder})
    return await seed_demo(replace(context, settings=settings))


async def test_the_demo_has_a_shop(context: Context, client: httpx.AsyncClient, tmp_path: Path) -> None:
    demo = await demo_of(context, tmp_path)
    base = f"/api/v2/project/{demo.project_id}/items"

    async def shown(path: str, **parameters: str) -> dict[str, dict[str, object]]:
        reply = await client.get(f"{base}{path}", params=parameters)
        assert reply.status_code == 200, reply.text
        return {item["sku"]: item for item in reply.json()["items"]}

    groups = (await client.get(f"{base}/groups")).json()["groups"]
    assert len(groups) == 6
    for group in groups:
        assert len(await shown(f"/group/{group['external_id']}")) >= 3, group["external_id"]
    everywhere = await shown("", limit="50")
    assert 30 <= len(everywhere) <= 45
    # Sold in Japan and Korea alone.
    assert "cirrus-couriers.carp-kite" not in everywhere
    assert "cirrus-couriers.carp-kite" in await shown("/virtual_items", country="JP")
    japanese = (await shown("/virtual_items", locale="ja", country="JP"))["lanternfall.stormglass-lantern"]
    assert japanese["name"] == "嵐ガラスのランタン"
    # With the demo's discount of a fifth.
    assert japanese["price"] == {"amount": "952", "amount_without_discount": "1190", "currency": "JPY"}
    games = await shown("/game")
    keys = {key["sku"]: key for game in games.values() for key in game["unit_items"]}  # type: ignore[attr-defined]
    assert {sku: key["can_be_bought"] for sku, key in keys.items()} == dict.fromkeys(keys, True)
    assert [sku for sku, key in keys.items() if not key["has_keys"]] == ["cirrus-couriers_nintendo_eshop"]


async def test_the_demo_keeps_what_was_changed_in_its_shop(context: Context, tmp_path: Path) -> None:
    demo = await demo_of(context, tmp_path)
    db = context.database.session()
    before = await list_items(db, demo.project_id)
    assert await demo_of(context, tmp_path) == demo
    assert await list_items(db, demo.project_id) == before


def test_every_picture_of_the_shop_is_there() -> None:
    shop = demo_shop(lambda name: name)
    drafts = [part for draft in shop.items for part in (draft, *draft.keys)]
    named = {part.image_url for part in drafts} | {media.url for part in drafts for media in part.media_list}
    shipped = {file.name for file in PICTURES.glob("*.webp")}
    assert named <= shipped
    drawn = {name for name in shipped if name.startswith("shop-")}
    assert drawn <= named, "a picture that nothing shows"
    assert len(shop.items) == 40
    for name in drawn:
        file = PICTURES / name
        with Image.open(file) as picture:
            assert (picture.format, picture.size) == ("WEBP", (512, 512))
        assert file.stat().st_size <= 40_000


def test_every_text_of_the_shop_is_whole() -> None:
    shop = demo_shop(lambda name: name)
    texts = [draft.description or {} for draft in shop.items] + [draft.group.description or {} for draft in shop.groups]
    for text in texts:
        assert re.fullmatch(r"[A-Z0-9].*[.]", text["en"]), text
    names = [draft.name["en"] for draft in shop.items]
    assert len(set(names)) == len(names)
    assert {language for draft in shop.items for language in draft.name} >= {"en", "de", "fr", "es", "ja"}
