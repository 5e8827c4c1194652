"""Items that cannot be: every faulty field is named, with the documented code, and nothing of the item is written."""

from typing import Any

import httpx
import pytest

from haversack.catalog.taxonomy.queries import list_attributes
from make.catalog import (
    admin_path,
    any_sku,
    faults,
    get_item,
    make_item,
    post_item,
    price,
    put_item,
    save_virtual_item,
    virtual_item,
)
from make.projects import Studio
from make.taxonomy import make_region, new_value, refusal


def _attribute(external_id: str, values: int = 1) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "values": [new_value(f"value-{number}") for number in range(values)],
    }


async def _is_empty(client: httpx.AsyncClient, studio: Studio) -> bool:
    reply = await client.get(admin_path(studio, "virtual_item"), auth=studio.basic)
    return bool(reply.json()["items"] == [])


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"sku": ""}, {"sku"}),
        ({"sku": "with blank"}, {"sku"}),
        ({"sku": "x" * 256}, {"sku"}),
        ({"sku": None}, {"sku"}),
        ({"name": {}}, {"name"}),
        ({"name": {"en": "A", "pt-PT": "B", "xx": "C"}}, {"name.pt-PT", "name.xx"}),
        ({"name": "Lamp"}, {"name"}),
        ({"description": {}}, {"description"}),
        ({"description": {"de": 5}}, {"description.de"}),
        ({"colour": "red", "project_id": 1}, {"colour", "project_id"}),
        ({"is_deleted": True}, {"is_deleted"}),
        ({"is_enabled": 1, "is_free": "yes", "order": "2"}, {"is_enabled", "is_free", "order"}),
        ({"order": 2**31}, {"order"}),
        ({"image_url": "x" * 2049}, {"image_url"}),
        ({"media_list": [{"type": "sound", "url": ""}]}, {"media_list.0.type", "media_list.0.url"}),
        ({"groups": [7, {"name": "x"}]}, {"groups.0", "groups.1.external_id"}),
        ({"attributes": [{"external_id": "a b"}]}, {"attributes.0.external_id", "attributes.0.values"}),
        ({"custom_attributes": ["a"]}, {"custom_attributes"}),
        ({"custom_attributes": {"a": "ß" * 493}}, {"custom_attributes"}),
        ({"regions": [{"id": 0}]}, {"regions.0.id"}),
        ({"limits": {"per_user": 0, "per_item": -1, "per_day": 1}}, {"limits.per_item", "limits.per_day"}),
        ({"pre_order": {"release_date": "soon"}}, {"pre_order.release_date", "pre_order.is_enabled"}),
        (
            {"inventory_options": {"consumable": {"usages_count": 0}, "expiration_period": {"type": "eon"}}},
            {"inventory_options.consumable.usages_count", "inventory_options.expiration_period.type"},
        ),
        ({"virtual_item_type": "non_renewing_subscription"}, {"inventory_options.expiration_period"}),
        ({"virtual_item_type": "toy"}, {"virtual_item_type"}),
    ],
)
async def test_faulty_fields(
    client: httpx.AsyncClient, studio: Studio, changes: dict[str, Any], fields: set[str]
) -> None:
    reply = await post_item(client, studio, "virtual_item", virtual_item(**changes))
    assert refusal(reply) == (422, 1102)
    named = faults(reply)
    if "limits" in changes:  # a number and an object are tried, and each says what is wrong with it
        assert any(name.startswith("limits.per_user") for name in named)
        named = {name: named[name] for name in named if not name.startswith("limits.per_user")}
    assert named.keys() == fields
    assert await _is_empty(client, studio)


async def test_a_missing_property_is_named(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await post_item(client, studio, "virtual_item", {})
    assert refusal(reply) == (422, 1102)
    assert faults(reply).keys() == {"sku", "name"}


@pytest.mark.parametrize(
    ("prices", "fields"),
    [
        ([price(0)], {"prices.0.amount"}),
        ([price(-1)], {"prices.0.amount"}),
        ([price("9.99")], {"prices.0.amount"}),
        ([price(True)], {"prices.0.amount"}),
        ([price(1e13)], {"prices.0.amount"}),
        ([price(9.999), price(9.5, "JPY", country_iso="JP")], {"prices.0.amount", "prices.1.amount"}),
        (
            [price(1, "usd"), price(1, "XYZ", country_iso="QQ")],
            {"prices.0.currency", "prices.1.currency", "prices.1.country_iso"},
        ),
        ([price(), price(8, "EUR")], {"prices.1.is_default"}),
        ([price(), price(8, country_iso="US", is_default=True)], {"prices.1.country_iso", "prices.1.is_default"}),
        ([price(9, country_iso="US", is_default=True)], {"prices.0.country_iso"}),
        ([price(), price(8, country_iso="CA"), price(7, country_iso="ca")], {"prices.2"}),
        ([{"amount": 1, "is_default": None, "vat": 1}], {"prices.0.currency", "prices.0.is_default", "prices.0.vat"}),
    ],
)
async def test_faulty_prices(client: httpx.AsyncClient, studio: Studio, prices: list[Any], fields: set[str]) -> None:
    reply = await post_item(client, studio, "virtual_item", virtual_item(prices=prices))
    assert refusal(reply) == (422, 1102)
    assert faults(reply).keys() == fields
    assert await _is_empty(client, studio)


async def test_prices_without_a_default(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [price(8, country_iso="CA"), price(9, "EUR", is_default=False)]
    reply = await post_item(client, studio, "virtual_item", virtual_item(prices=prices))
    assert refusal(reply) == (422, 4055)
    assert faults(reply).keys() == {"prices"}
    assert await _is_empty(client, studio)


async def test_faulty_virtual_prices(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = (await make_item(client, studio, "virtual_currency"))["sku"]
    await save_virtual_item(studio, "lamp")
    sku = any_sku()
    prices = [
        {"sku": pearls, "amount": 1, "is_default": True},
        {"sku": pearls, "amount": 2, "is_default": True},
        {"sku": "lamp", "amount": 3},
        {"sku": "nothing", "amount": 4},
        {"sku": sku, "amount": 5},
    ]
    reply = await post_item(client, studio, "virtual_item", virtual_item(sku=sku, vc_prices=prices))
    assert refusal(reply) == (422, 1102)
    assert faults(reply) == {
        "vc_prices.1.is_default": "only one price is the default, and vc_prices.0 is",
        "vc_prices.1.sku": f"vc_prices.0 is a price in {pearls} already",
        "vc_prices.2.sku": "there is no virtual currency lamp",
        "vc_prices.3.sku": "there is no virtual currency nothing",
        "vc_prices.4.sku": "an item has no price in itself",
    }
    for amount in (0, -1, 1.5, "7", True):
        body = virtual_item(vc_prices=[{"sku": pearls, "amount": amount}])
        reply = await post_item(client, studio, "virtual_item", body)
        assert faults(reply).keys() == {"vc_prices.0.amount"}


@pytest.mark.parametrize(
    ("periods", "fields"),
    [
        ([{"date_from": "2026-11-01T00:00:00+03:00", "date_until": "2026-10-31T21:00:00Z"}], {"periods.0.date_until"}),
        ([{"date_from": "2026-11-01T00:00:00"}], {"periods.0.date_from"}),
        ([{"date_from": "2026-02-30T00:00:00Z"}], {"periods.0.date_from"}),
        ([{"date_from": "0001-01-01T00:00:00+14:00"}], {"periods.0.date_from"}),
        ([{"date_from": 5, "date_until": "tomorrow"}], {"periods.0.date_from", "periods.0.date_until"}),
        ([{}, {"until": None}], {"periods.1.until"}),
    ],
)
async def test_faulty_periods(client: httpx.AsyncClient, studio: Studio, periods: list[Any], fields: set[str]) -> None:
    reply = await post_item(client, studio, "virtual_item", virtual_item(periods=periods))
    assert refusal(reply) == (422, 1102)
    assert faults(reply).keys() == fields


async def test_unknown_groups_are_named_together(client: httpx.AsyncClient, studio: Studio) -> None:
    body = virtual_item(groups=["one", {"external_id": "two"}, "one"])
    reply = await post_item(client, studio, "virtual_item", body)
    assert refusal(reply) == (404, 4403)
    assert reply.json()["errorMessageExtended"] == {
        "project_id": studio.project_id,
        "external_id_list": ["one", "two"],
        "group_id_list": [],
    }
    assert await _is_empty(client, studio)


async def test_unknown_regions(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    here, elsewhere = await make_region(client, studio), await make_region(client, other_studio)
    body = virtual_item(regions=[{"id": here}, {"id": elsewhere}, {"id": 2**31 - 1}])
    reply = await post_item(client, studio, "virtual_item", body)
    assert refusal(reply) == (404, 9701)
    assert faults(reply).keys() == {"regions.1.id", "regions.2.id"}
    assert await _is_empty(client, studio)


async def test_too_many_attributes(client: httpx.AsyncClient, studio: Studio) -> None:
    many = [_attribute(f"attribute-{number}") for number in range(21)]
    reply = await post_item(client, studio, "virtual_item", virtual_item(attributes=many))
    assert refusal(reply) == (422, 9908)
    reply = await post_item(client, studio, "virtual_item", virtual_item(attributes=[_attribute("a", 7)]))
    assert refusal(reply) == (422, 9909)
    db = studio.context.database.session()
    assert await list_attributes(db, studio.project_id) == [], "a refused item makes no attributes"
    most = [*many[:19], _attribute("full", 6)]
    found = await make_item(client, studio, body=virtual_item(attributes=most))
    assert [attribute["external_id"] for attribute in found["attributes"]] == [
        attribute["external_id"] for attribute in most
    ]
    assert len(found["attributes"][-1]["values"]) == 6


async def test_an_attribute_has_twenty_values(client: httpx.AsyncClient, studio: Studio) -> None:
    for first in (0, 6, 12, 18):
        values = [new_value(f"value-{number}") for number in range(first, min(first + 6, 20))]
        await make_item(client, studio, body=virtual_item(attributes=[{"external_id": "a", "values": values}]))
    body = virtual_item(attributes=[{"external_id": "a", "values": [new_value("value-20")]}])
    assert refusal(await post_item(client, studio, "virtual_item", body)) == (422, 9908)


async def test_custom_attributes_have_500_characters(client: httpx.AsyncClient, studio: Studio) -> None:
    fits = {"a": "ß" * 492}
    found = await make_item(client, studio, body=virtual_item(custom_attributes=fits))
    assert found["custom_attributes"] == fits
    reply = await post_item(client, studio, "virtual_item", virtual_item(custom_attributes={"a": "ß" * 493}))
    assert faults(reply) == {"custom_attributes": "has 501 characters as JSON, more than 500"}


async def test_a_refused_update_changes_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    made = await make_item(client, studio, body=virtual_item(limits={"per_item": 5}))
    sku = made["sku"]
    for changes in (
        {"prices": [price(-1)]},
        {"prices": [price(1, country_iso="US")]},
        {"groups": ["nothing"], "attributes": [_attribute("new")]},
        {"regions": [{"id": 7}]},
        {"attributes": [_attribute("new", 7)]},
    ):
        reply = await put_item(client, studio, "virtual_item", sku, virtual_item(sku=sku, order=9, **changes))
        assert reply.status_code in (404, 422)
    assert await get_item(client, studio, "virtual_item", sku) == made
