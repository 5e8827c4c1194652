"""Export, wipe, import, export: the bytes are the same."""

import httpx
import orjson
import pytest

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.items.queries import list_items
from haversack.catalog.records import Details, Item, ItemKind
from haversack.catalog.transfer.actions import write_catalog
from haversack.catalog.transfer.records import CatalogDraft
from haversack.catalog.transfer.seeding import seed_catalog
from haversack.clock import real_now
from haversack.context import Context
from make import catalog, taxonomy
from make.projects import Studio
from make.receiver import Receiver
from make.transfer import (
    errors_of,
    export_bytes,
    export_of,
    import_file,
    make_varied_catalog,
    skus_of,
)


async def items_of(studio: Studio) -> dict[str, Item]:
    """The items of a project by SKU."""
    items = await list_items(studio.context.database.session(), studio.project_id)
    return {item.sku: item for item in items}


async def test_round_trip(client: httpx.AsyncClient, studio: Studio, other_studio: Studio, receiver: Receiver) -> None:
    await make_varied_catalog(client, studio)
    first = await export_bytes(studio)
    status = await import_file(client, other_studio, receiver, first)
    assert (status["status"], errors_of(status)) == ("done", {})
    assert await export_bytes(other_studio) == first
    # And once more into a project that has it all already.
    assert (await import_file(client, other_studio, receiver, first))["status"] == "done"
    assert await export_bytes(other_studio) == first
    # The file has been read by nobody but us: it says what a studio would.
    exported = orjson.loads(first)
    assert skus_of(exported) == [
        "gold",
        "gems",
        "lamp",
        "free",
        "typed",
        "hourly",
        "sack",
        "sea",
        "crate",
        "big",
        "late",
    ]
    lamp = exported["items"][2]
    assert lamp["prices"][0] == {"amount": "9.9", "currency": "USD", "is_default": True, "is_enabled": True}
    assert lamp["regions"] == [{"id": 1}]
    assert [group["places"] for group in exported["groups"]] == [
        [{"sku": "hourly", "order": 0}, {"sku": "lamp", "order": 1}],
        [],
    ]
    assert exported["groups"][1]["parent_external_id"] == "lights"


async def test_order_of_lists_comes_along(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, receiver: Receiver
) -> None:
    await make_varied_catalog(client, studio)
    await import_file(client, other_studio, receiver, await export_bytes(studio))
    for path in ("virtual_items", "bundle", "groups", "group/lights"):
        pages = []
        for each in (studio, other_studio):
            reply = await client.get(f"/api/v2/project/{each.project_id}/items/{path}", params={"country": "DK"})
            assert reply.status_code == 200, reply.text
            rows = reply.json().get("items") or reply.json().get("groups") or []
            pages.append([row.get("sku") or row.get("external_id") for row in rows])
        assert pages[0] == pages[1] != []


async def test_round_trip_of_a_seeded_catalog(
    context: Context, client: httpx.AsyncClient, studio: Studio, other_studio: Studio, receiver: Receiver
) -> None:
    assert await seed_catalog(context, studio.project_id, items=700, seed=5) == 700
    first = await export_bytes(studio)
    kinds = {item["kind"] for item in orjson.loads(first)["items"]}
    assert kinds == {kind.value for kind in ItemKind if kind is not ItemKind.GAME_KEY}
    status = await import_file(client, other_studio, receiver, first)
    assert (status["status"], errors_of(status)) == ("done", {})
    assert await export_bytes(other_studio) == first


async def test_export_has_no_ids_and_nothing_deleted(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_varied_catalog(client, studio)
    items = (await items_of(studio)).values()
    raw = (await export_bytes(studio)).decode()
    assert not [item.item_id for item in items if str(item.item_id) in raw]
    path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/lamp"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    exported = await export_of(studio)
    assert "lamp" not in skus_of(exported)
    (crate,) = [item for item in exported["items"] if item["sku"] == "crate"]
    assert crate["content"] == [{"sku": "late", "quantity": 1}]


async def test_regions_are_known_again_by_their_names(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, receiver: Receiver
) -> None:
    await make_varied_catalog(client, studio)
    kept = await taxonomy.make_region(client, other_studio, countries=["NO"])
    await taxonomy.make_region(client, other_studio, name={"en-US": "Elsewhere"})
    await import_file(client, other_studio, receiver, await export_bytes(studio))
    regions = (await export_of(other_studio))["regions"]
    assert [(region["name"]["en-US"], region["countries"]) for region in regions] == [
        ("Nordics", ["DK", "SE"]),
        ("Elsewhere", ["DK", "SE"]),
        ("Nordics", ["JP"]),
    ]
    assert (await items_of(other_studio))["lamp"].region_ids == (kept,)


async def test_faults_below_the_items_are_named(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    file = {
        "format": "haversack-catalog",
        "version": 1,
        "regions": [{"id": 1, "name": {"en-US": "Here"}, "countries": ["QQ"]}, "none"],
        "attributes": [
            {"external_id": "a b", "name": {"en": "x"}, "values": []},
            {"external_id": "ok", "name": {"en": "x"}, "values": []},
            {"external_id": "ok", "name": {"en": "x"}, "values": []},
            {"external_id": "full", "values": [{"external_id": f"v{n}", "value": {"en": "v"}} for n in range(21)]},
        ],
        "groups": [
            {"external_id": "below", "name": {"en": "x"}, "parent_external_id": "none"},
            {"external_id": "top", "name": {"en": "x"}},
        ],
        "items": [
            {"kind": "virtual_good", "sku": "here", "name": {"en": "x"}, "regions": [{"id": 1}]},
            {"kind": "spell", "sku": "fire", "name": {"en": "x"}},
            {"kind": "virtual_good", "sku": "fine", "name": {"en": "x"}, "groups": ["top"]},
        ],
    }
    status = await import_file(client, studio, receiver, file)
    found = [(fault["sku"], fault["type"], fault["error_code"]) for fault in status["result"]["errors_by_sku"]]
    assert sorted(found, key=str) == sorted(
        [
            ("1", "region", 1102),
            ("", "region", 1102),
            ("a b", "attribute", 1102),
            ("ok", "attribute", 1102),
            ("full", "attribute", 9908),
            ("below", "group", 1102),
            ("here", "virtual_good", 9701),
            ("fire", None, 1102),
        ],
        key=str,
    )
    assert status["result"]["total_entities_count"] == 11
    assert skus_of(await export_of(studio)) == ["fine"]


@pytest.mark.parametrize("kind", [ItemKind.PHYSICAL_GOOD, ItemKind.VALUE_POINT])
async def test_kinds_that_no_call_makes(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, receiver: Receiver, kind: ItemKind
) -> None:
    draft = ItemDraft(kind=kind, sku="rare", name={"en": "Rare"}, details=Details(is_clan=kind is ItemKind.VALUE_POINT))
    shop = CatalogDraft(items=[draft], total=1)
    assert not await write_catalog(studio.context, studio.project_id, shop, now=real_now())
    status = await import_file(client, other_studio, receiver, await export_bytes(studio))
    assert errors_of(status) == {}
    (item,) = (await items_of(other_studio)).values()
    assert (item.kind, item.details.is_clan) == (kind, kind is ItemKind.VALUE_POINT)


async def test_a_key_that_an_older_game_gets_is_found_by_its_bundle(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver
) -> None:
    """The key gets its id only when its game is written, in the same batch as the bundle that holds it."""
    steam, gog = catalog.game_key("steam", sku="sea_steam"), catalog.game_key("gog", sku="sea_gog")
    await catalog.make_item(client, studio, "game", catalog.game(steam, sku="sea"))
    file = {"games": [catalog.game(steam, gog, sku="sea")], "bundles": [catalog.bundle("sea_gog", sku="crate")]}
    assert errors_of(await import_file(client, studio, receiver, file)) == {}
    items = await items_of(studio)
    assert [entry.item_id for entry in items["crate"].details.content] == [items["sea_gog"].item_id]
    # A key that the file leaves out goes, as it does in the studio's own call.
    file = {"games": [catalog.game(gog, sku="sea")]}
    assert errors_of(await import_file(client, studio, receiver, file)) == {}
    assert "sea_steam" not in await items_of(studio)
