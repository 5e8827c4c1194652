"""Makes files of catalogs, and sends them to be imported from a server on this machine."""

from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from haversack.catalog.transfer.writing import export_catalog
from make import catalog, taxonomy
from make.projects import Studio
from make.receiver import Answer, Receiver

JSON = {"Content-Type": "application/json"}


def import_path(studio: Studio) -> str:
    """Where a studio asks for an import."""
    return f"/api/v1/projects/{studio.project_id}/import/from_external_file"


def status_path(studio: Studio) -> str:
    """Where a studio asks for the last import."""
    return f"/api/v1/admin/projects/{studio.project_id}/connectors/import_items/import/status"


async def send_import(
    client: httpx.AsyncClient, studio: Studio, url: str, *, headers: Mapping[str, str] | None = None, **changes: Any
) -> httpx.Response:
    """Ask for the import of the file at an address."""
    body = {"connector_external_id": "import_items", "file_url": url, **changes}
    return await client.post(import_path(studio), json=body, auth=studio.basic, headers=headers)


async def read_status(client: httpx.AsyncClient, studio: Studio) -> dict[str, Any]:
    """How the last import of a studio is."""
    reply = await client.get(status_path(studio), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    status: dict[str, Any] = reply.json()
    return status


async def import_file(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver, content: Mapping[str, Any] | bytes, **changes: Any
) -> dict[str, Any]:
    """Import a file to the end and return how it came out."""
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    receiver.answer_next(Answer(200, raw, JSON))
    reply = await send_import(client, studio, receiver.url, **changes)
    assert reply.status_code == 201, reply.text
    await studio.context.imports.wait()
    return await read_status(client, studio)


def errors_of(status: Mapping[str, Any]) -> dict[str, int]:
    """The codes of the rows that were refused, by SKU."""
    return {fault["sku"]: fault["error_code"] for fault in status["result"]["errors_by_sku"]}


def message_of(status: Mapping[str, Any], sku: str) -> str:
    """Why a row was refused."""
    (message,) = [each["error_message"] for each in status["result"]["errors_by_sku"] if each["sku"] == sku]
    return str(message)


async def export_of(studio: Studio) -> dict[str, Any]:
    """The catalog of a studio as its export has it."""
    exported: dict[str, Any] = orjson.loads(await export_catalog(studio.context.database.session(), studio.project_id))
    return exported


async def export_bytes(studio: Studio) -> bytes:
    """The export of a studio's catalog."""
    return await export_catalog(studio.context.database.session(), studio.project_id)


def skus_of(exported: Mapping[str, Any]) -> list[str]:
    """The SKUs of an export, in its order."""
    return [item["sku"] for item in exported["items"]]


async def make_varied_catalog(client: httpx.AsyncClient, studio: Studio) -> None:
    """A catalog made by the studio's calls, with one at least of everything that items can have."""
    region_id = await taxonomy.make_region(client, studio)
    await taxonomy.make_region(client, studio, countries=["JP"])  # another one of the same name
    parent = await taxonomy.make_group(client, studio, "lights")
    await taxonomy.make_group(client, studio, "lamps", order=3, description={"en": "Lamps", "de-DE": "Lampen"})
    await taxonomy.put_under(studio, "lamps", parent)
    await taxonomy.make_attribute(client, studio, "zeal", values=["slow", "brisk"])
    await taxonomy.make_attribute(client, studio, "art")
    limits = {
        "per_user": {"total": 3, "limit_exceeded_visibility": "hide"},
        "per_item": 40,
        "recurrent_schedule": {"per_user": {"interval_type": "weekly", "day_of_week": 2, "time": "08:00:00+05:30"}},
    }
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("virtual_currency", catalog.virtual_currency(sku="gold", is_hard=True)),
        ("virtual_currency", catalog.virtual_currency(sku="gems", vc_prices=[{"sku": "gold", "amount": 3}])),
        (
            "virtual_item",
            catalog.virtual_item(
                sku="lamp",
                name={"en": "Lamp", "de": "Lampe", "ja-JP": "ランプ"},
                long_description={"en": "It has given light for a very long time."},
                media_list=[{"type": "image", "url": catalog.PICTURE}],
                groups=["lamps", "lights"],
                attributes=[
                    {"external_id": "art", "values": [{"external_id": "deco", "value": {"en": "Deco"}}]},
                    {"external_id": "zeal", "values": [{"external_id": "brisk", "value": {"en": "ignored"}}]},
                ],
                custom_attributes={"b": [1, 2.5, None], "a": {"deep": True}},
                prices=[
                    catalog.price(9.9),
                    catalog.price(1200, "JPY", country_iso="JP"),
                    catalog.price(8, "EUR", country_iso="DE", is_enabled=False),
                ],
                vc_prices=[{"sku": "gems", "amount": 7, "is_default": True}, {"sku": "gold", "amount": 2}],
                order=5,
                regions=[{"id": region_id}],
                periods=[{"date_from": "2026-01-01T00:00:00+03:00", "date_until": None}],
                limits=limits,
                inventory_options={"consumable": {"usages_count": 3}, "expiration_period": {"type": "day", "value": 2}},
                is_paid_randomized_reward=True,
                pre_order={"release_date": "2027-01-01T12:00:00-03:00", "is_enabled": True, "description": "Soon"},
            ),
        ),
        ("virtual_item", catalog.virtual_item(sku="free", prices=[], is_free=True, is_enabled=False, description=None)),
        ("virtual_item", catalog.virtual_item(sku="typed", virtual_item_type="non_consumable", is_show_in_store=False)),
        (
            "virtual_item",
            catalog.virtual_item(
                sku="hourly",
                groups=["lights"],
                limits={"per_user": 1, "recurrent_schedule": {"per_user": {"interval_type": "hourly"}}},
            ),
        ),
        ("package", catalog.package("gems", sku="sack", vc_prices=[{"sku": "gold", "amount": 9}])),
        (
            "game",
            catalog.game(
                catalog.game_key(
                    "steam", sku="sea_steam", groups=["lights"], vc_prices=[{"sku": "gold", "amount": 900}]
                ),
                catalog.game_key(
                    "gog", sku="sea_gog", name={"en": "Sea, for GOG"}, limits={"per_user": 1}, is_free=True, prices=[]
                ),
                sku="sea",
                description={"en": "Sail."},
                order=2,
            ),
        ),
        (
            "bundle",
            catalog.bundle("lamp", {"sku": "gems", "quantity": 50}, sku="crate", prices=[catalog.price("19.90")]),
        ),
        ("bundle", catalog.bundle("crate", "sea_gog", "sack", sku="big", is_show_in_store=True, media_list=None)),
    ]
    made = [await catalog.make_item(client, studio, kind, body) for kind, body in bodies]
    places = [{"item_id": item["item_id"], "order": place} for place, item in enumerate((made[5], made[2]))]
    reply = await client.put(f"{taxonomy.admin(studio)}/group/lights/order/item", json=places, auth=studio.basic)
    assert reply.status_code == 204, reply.text
    # A bundle that was there before what it contains now.
    late = catalog.virtual_item(sku="late")
    await catalog.make_item(client, studio, "virtual_item", late)
    body = catalog.bundle("lamp", "late", sku="crate", prices=[catalog.price("19.90")])
    reply = await catalog.put_item(client, studio, "bundle", "crate", body)
    assert reply.status_code == 204, reply.text
