"""Who sees an item, and when: flags, regions, periods to the second, limits of players, what is sold out."""

import asyncio
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from haversack.catalog.read_model import live
from haversack.catalog.read_model.compiling import compile_catalog
from haversack.catalog.read_model.queries import list_stocks
from haversack.catalog.read_model.records import Entry, Stocks
from haversack.database.engine import Session
from make.catalog import bundle, game, game_key, package, price, put_item, virtual_currency, virtual_item
from make.client_catalog import (
    catalog_path,
    freeze,
    id_of,
    new_player,
    read,
    read_skus,
    read_status,
    sell,
    sell_out,
    use,
)
from make.projects import Studio
from make.taxonomy import admin, make_group, make_region

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("flags", "is_shown"),
    [
        ({"is_enabled": True, "is_show_in_store": True}, True),
        ({"is_enabled": True, "is_show_in_store": False}, False),
        ({"is_enabled": False, "is_show_in_store": True}, False),
    ],
)
async def test_flags(client: httpx.AsyncClient, studio: Studio, flags: dict[str, bool], is_shown: bool) -> None:
    body = virtual_item(**flags)
    sku = await sell(client, studio, body)
    crate = await sell(client, studio, bundle(sku, is_show_in_store=True), "bundle")
    assert (sku in await read_skus(client, studio)) is is_shown
    assert (sku in await read_skus(client, studio, "/virtual_items/all")) is is_shown
    expected = (200, None) if is_shown else (404, 4001)
    assert await read_status(client, studio, f"/sku/{sku}") == expected
    # What is kept out of the store alone still comes in bundles.
    content = (await read(client, studio, f"/bundle/sku/{crate}"))["content"]
    assert [each["sku"] for each in content] == ([sku] if flags["is_enabled"] else [])


async def test_deleted_items(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    assert await read_status(client, studio, f"/sku/{sku}") == (200, None)
    reply = await client.delete(f"{admin(studio)}/items/virtual_items/sku/{sku}", auth=studio.basic)
    assert reply.status_code == 204
    assert await read_status(client, studio, f"/sku/{sku}") == (404, 4001)
    assert await read_skus(client, studio) == []


async def test_keys_go_with_their_game(client: httpx.AsyncClient, studio: Studio) -> None:
    key = game_key()
    body = game(key)
    await sell(client, studio, body, "game")
    assert await read_skus(client, studio) == [key["sku"]]
    reply = await put_item(client, studio, "game", body["sku"], {**body, "is_show_in_store": False})
    assert reply.is_success, reply.text
    assert await read_skus(client, studio) == []
    assert await read_status(client, studio, f"/game/key/sku/{key['sku']}") == (404, 4001)


async def test_regions(client: httpx.AsyncClient, studio: Studio) -> None:
    nordics = await make_region(client, studio, countries=["DK", "SE"])
    islands = await make_region(client, studio, countries=["IS"])
    everywhere = await sell(client, studio, virtual_item())
    north = await sell(client, studio, virtual_item(regions=[{"id": nordics}, {"id": islands}]))
    for country, seen in (("SE", True), ("se", True), ("IS", True), ("DE", False), (None, False), ("XX", False)):
        parameters = {} if country is None else {"country": country}
        skus = await read_skus(client, studio, "/virtual_items", **parameters)
        assert skus == ([north, everywhere] if seen else [everywhere]), country
        status = await read_status(client, studio, f"/virtual_items/sku/{north}", params=parameters)
        assert status == ((200, None) if seen else (404, 4001)), country


async def test_keys_are_sold_where_their_game_is(client: httpx.AsyncClient, studio: Studio) -> None:
    nordics = await make_region(client, studio)
    key = game_key(regions=[{"id": nordics}])
    free = game_key("gog")
    body = game(key, free)
    await sell(client, studio, body, "game")
    for country, skus in (("SE", [key["sku"], free["sku"]]), ("DE", [free["sku"]])):
        (item,) = (await read(client, studio, "/game", country=country))["items"]
        assert [unit["sku"] for unit in item["unit_items"]] == skus


async def test_periods_to_the_second(client: httpx.AsyncClient, studio: Studio) -> None:
    """An item comes and goes on the second, however its period is written; what was read before does not delay it."""
    body = virtual_item(
        periods=[
            {"date_from": "2027-01-01T03:00:00+03:00", "date_until": "2027-01-01T00:00:02+00:00"},
            {"date_from": "2028-02-29T00:00:00+00:00", "date_until": "2028-03-01T00:00:00+00:00"},
            {"date_from": "2030-01-01T00:00:00+00:00", "date_until": None},
        ]
    )
    sku = await sell(client, studio, body)
    seen = {}
    for now in (
        NEW_YEAR - SECOND,
        NEW_YEAR - timedelta(microseconds=1),
        NEW_YEAR,
        NEW_YEAR + SECOND,
        NEW_YEAR + 2 * SECOND,
        datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),
        datetime(2028, 3, 1, tzinfo=UTC),
        datetime(2029, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2030, 1, 1, tzinfo=UTC),
        # The project's clock may go back.
        NEW_YEAR - SECOND,
        NEW_YEAR,
    ):
        await freeze(studio, now)
        skus = await read_skus(client, studio, "/virtual_items")
        seen[len(seen), now] = bool(skus)
        assert await read_status(client, studio, f"/sku/{sku}") == ((200, None) if skus else (404, 4001))
    assert list(seen.values()) == [False, False, True, True, False, True, False, False, True, False, True]


async def test_items_outside_their_period_when_asked_for(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NEW_YEAR)
    period = {"date_from": "2027-06-01T00:00:00+02:00", "date_until": None}
    sku = await sell(client, studio, virtual_item(periods=[period]))
    assert await read_skus(client, studio, "/virtual_items", show_inactive_time_limited_items=0) == []
    (item,) = (await read(client, studio, "/virtual_items", show_inactive_time_limited_items=1))["items"]
    assert (item["sku"], item["can_be_bought"], item["periods"]) == (sku, False, [period])
    single = await read(client, studio, f"/virtual_items/sku/{sku}", show_inactive_time_limited_items="true")
    assert single["can_be_bought"] is False
    await freeze(studio, datetime(2027, 6, 1, tzinfo=UTC))
    (item,) = (await read(client, studio, "/virtual_items", show_inactive_time_limited_items=1))["items"]
    assert item["can_be_bought"] is True


async def test_periods_do_not_matter_inside_a_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NEW_YEAR)
    over = {"date_from": None, "date_until": "2020-01-01T00:00:00+00:00"}
    lamp = await sell(client, studio, virtual_item(periods=[over]))
    crate = await sell(client, studio, bundle(lamp, is_show_in_store=True), "bundle")
    assert await read_skus(client, studio) == [crate]
    found = await read(client, studio, f"/bundle/sku/{crate}")
    assert (found["can_be_bought"], [each["sku"] for each in found["content"]]) == (True, [lamp])


DAILY = {"per_user": {"interval_type": "daily", "time": "00:00:00+00:00"}}


def _limited(visibility: str = "show", schedule: Any = None, **changes: Any) -> dict[str, Any]:
    per_user = {"total": 2, "limit_exceeded_visibility": visibility}
    return virtual_item(limits={"per_user": per_user, "per_item": None, "recurrent_schedule": schedule}, **changes)


async def test_limits_of_a_player(client: httpx.AsyncClient, studio: Studio) -> None:
    """What is left is the player's own; used up it is hidden, unless it comes back and is to be shown."""
    await freeze(studio, NEW_YEAR)
    shown = await sell(client, studio, _limited("show", DAILY))
    hidden = await sell(client, studio, _limited("hide", DAILY))
    for_ever = await sell(client, studio, _limited("show"))
    free = await sell(client, studio, virtual_item())
    everything = [free, for_ever, hidden, shown]
    ids = {sku: await id_of(client, studio, sku) for sku in everything}
    player_id, headers = await new_player(studio)
    _, stranger = await new_player(studio)

    async def left(who: dict[str, str] | None) -> dict[str, Any]:
        items = (await read(client, studio, "/virtual_items", headers=who))["items"]
        return {item["sku"]: item["limits"]["per_user"]["available"] for item in items if item["limits"]}

    assert await left(headers) == await left(None) == {shown: 2, hidden: 2, for_ever: 2}
    for sku in (shown, hidden, for_ever):
        await use(studio, player_id, ids[sku], 1, window_start=NEW_YEAR)
    assert await left(headers) == {shown: 1, hidden: 1, for_ever: 1}
    assert await left(stranger) == await left(None) == {shown: 2, hidden: 2, for_ever: 2}
    for sku in (shown, hidden, for_ever):
        await use(studio, player_id, ids[sku], 2, window_start=NEW_YEAR)
    found = await read(client, studio, "/virtual_items", headers=headers)
    assert [item["sku"] for item in found["items"]] == [free, shown]
    assert found["total_items_count"] == 2
    used_up = found["items"][1]
    assert (used_up["can_be_bought"], used_up["limits"]["per_user"]["available"]) == (False, 0)
    next_reset = int((NEW_YEAR + timedelta(days=1)).timestamp())
    assert used_up["limits"]["per_user"]["recurrent_schedule"] == {
        "interval_type": "daily",
        "reset_next_date": next_reset,
    }
    assert await read_status(client, studio, f"/sku/{hidden}", headers=headers) == (404, 4001)
    assert await read_status(client, studio, f"/sku/{for_ever}", headers=headers) == (404, 4001)
    assert await read_status(client, studio, f"/sku/{hidden}", headers=stranger) == (200, None)
    assert await read_skus(client, studio, "/virtual_items") == everything
    # The next day they are all there again, but the one without a schedule.
    await freeze(studio, NEW_YEAR + timedelta(days=1))
    assert await left(headers) == {shown: 2, hidden: 2}


async def test_pages_without_what_a_player_has_used_up(client: httpx.AsyncClient, studio: Studio) -> None:
    skus = [await sell(client, studio, _limited()) for _ in range(7)]
    skus.reverse()
    player_id, headers = await new_player(studio)
    for place in (0, 3, 4):
        await use(studio, player_id, await id_of(client, studio, skus[place]), 2)
    kept = [sku for place, sku in enumerate(skus) if place not in (0, 3, 4)]
    pages = []
    for offset in (0, 2, 4):
        found = await read(client, studio, "/virtual_items", headers=headers, limit=2, offset=offset)
        assert found["total_items_count"] == 4
        assert found["has_more"] is (offset == 0)
        pages += [item["sku"] for item in found["items"]]
    assert pages == kept
    assert await read_skus(client, studio, "/virtual_items/all", headers=headers) == kept


async def test_a_bundle_is_hidden_with_what_a_player_has_used_up(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = await sell(client, studio, virtual_currency(), "virtual_currency")
    limits = {"per_user": 1, "per_item": None, "recurrent_schedule": DAILY}
    sack = await sell(client, studio, package(pearls, limits=limits), "package")
    inner = await sell(client, studio, bundle(sack), "bundle")
    outer = await sell(client, studio, bundle(inner, is_show_in_store=True), "bundle")
    player_id, headers = await new_player(studio)
    assert outer in await read_skus(client, studio, headers=headers)
    await freeze(studio, NEW_YEAR)
    await use(studio, player_id, await id_of(client, studio, sack), 1, window_start=NEW_YEAR)
    assert await read_skus(client, studio, headers=headers) == [sack, pearls]
    assert await read_status(client, studio, f"/bundle/sku/{outer}", headers=headers) == (404, 4001)
    assert outer in await read_skus(client, studio)


async def test_keys_that_a_player_has_used_up(client: httpx.AsyncClient, studio: Studio) -> None:
    key = game_key(limits={"per_user": 1, "per_item": None, "recurrent_schedule": None})
    other = game_key("gog")
    body = game(key, other)
    await sell(client, studio, body, "game")
    player_id, headers = await new_player(studio)
    await use(studio, player_id, await id_of(client, studio, key["sku"]), 1)
    for path in ("/game", f"/game/sku/{body['sku']}"):
        found = await read(client, studio, path, headers=headers)
        game_seen = found["items"][0] if path == "/game" else found
        assert [unit["sku"] for unit in game_seen["unit_items"]] == [other["sku"]]
    (game_seen,) = (await read(client, studio, "/game"))["items"]
    assert len(game_seen["unit_items"]) == 2


async def test_what_is_sold_out(client: httpx.AsyncClient, studio: Studio) -> None:
    """Stock changes without the catalog's version; it is seen all the same."""
    limits = {"per_user": None, "per_item": 3, "recurrent_schedule": None}
    sku = await sell(client, studio, virtual_item(limits=limits))
    crate = await sell(client, studio, bundle(sku, is_show_in_store=True), "bundle")
    item_id = await id_of(client, studio, sku)
    (item,) = (await read(client, studio, "/virtual_items"))["items"]
    assert (item["limits"], item["can_be_bought"]) == (
        {"per_user": None, "per_item": {"total": 3, "available": 3}},
        True,
    )
    await sell_out(studio, item_id)
    assert await read_skus(client, studio, "/virtual_items") == []
    assert await read_status(client, studio, f"/sku/{sku}") == (404, 4001)
    (bundle_seen,) = (await read(client, studio, "/bundle"))["items"]
    assert (bundle_seen["sku"], bundle_seen["can_be_bought"]) == (crate, False)
    assert bundle_seen["content"][0]["limits"]["per_item"] == {"total": 3, "available": 0}


async def test_what_is_sold_out_while_stocks_are_read(
    client: httpx.AsyncClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = await sell(client, studio, virtual_item(limits={"per_user": None, "per_item": 3, "recurrent_schedule": None}))
    item_id = await id_of(client, studio, sku)
    is_sold_out = False

    async def list_before(db: Session, project_id: int) -> Stocks:
        nonlocal is_sold_out
        found = await list_stocks(db, project_id)
        if not is_sold_out:
            is_sold_out = True
            await sell_out(studio, item_id)
        return found

    monkeypatch.setattr(live, "list_stocks", list_before)
    studio.context.notifications.publish_locally(live.STOCK_CHANGED, str(studio.project_id))
    assert await read_skus(client, studio, "/virtual_items") == []
    assert is_sold_out


async def test_promo_codes_that_open_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    assert await read_skus(client, studio, "/virtual_items", promo_code="WELCOME") == [sku]
    assert await read_status(client, studio, "/virtual_items", params={"promo_code": ""}) == (422, 1102)


async def test_free_items(client: httpx.AsyncClient, studio: Studio) -> None:
    await sell(client, studio, virtual_item(is_free=True, prices=[]))
    (item,) = (await read(client, studio, "/virtual_items"))["items"]
    assert (item["is_free"], item["price"], item["virtual_prices"], item["can_be_bought"]) == (True, None, [], True)


async def test_items_without_a_price_are_not_free(client: httpx.AsyncClient, studio: Studio) -> None:
    """They are shown, and nobody can buy them: giving away what somebody forgot to price cannot be taken back."""
    for prices in ([], [price(is_enabled=False)]):
        sku = await sell(client, studio, virtual_item(prices=prices))
        item = await read(client, studio, f"/sku/{sku}")
        assert (item["is_free"], item["price"], item["virtual_prices"]) == (False, None, [])
        assert item["can_be_bought"] is False
    _, headers = await new_player(studio)
    pay = await client.post(f"/api/v2/project/{studio.project_id}/payment/item/{sku}", headers=headers)
    give = await client.post(f"/api/v2/project/{studio.project_id}/free/item/{sku}", headers=headers)
    assert [(reply.status_code, reply.json()["errorCode"]) for reply in (pay, give)] == [(422, 4054), (422, 1421)]


async def test_another_project_sees_nothing(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    assert await read_skus(client, other_studio) == []
    reply = await client.get(catalog_path(other_studio, f"/sku/{sku}"))
    assert reply.status_code == 404


async def test_players_who_ask_at_once_get_their_own(client: httpx.AsyncClient, studio: Studio) -> None:
    """Their uses are read together, and told apart."""
    limits = {"per_user": 50, "per_item": None, "recurrent_schedule": None}
    sku = await sell(client, studio, virtual_item(limits=limits))
    item_id = await id_of(client, studio, sku)
    players = [await new_player(studio) for _ in range(10)]
    for used, (player_id, _) in enumerate(players):
        await use(studio, player_id, item_id, used)
    path = catalog_path(studio, "/virtual_items")
    for _ in range(3):
        replies = await asyncio.gather(*(client.get(path, headers=headers) for _, headers in players for _ in range(2)))
        left = [reply.json()["items"][0]["limits"]["per_user"]["available"] for reply in replies]
        assert left == [50 - used for used in range(10) for _ in range(2)]


async def test_a_catalog_that_changes_keeps_up(client: httpx.AsyncClient, studio: Studio) -> None:
    """After each write, what is compiled from the version before is what is compiled from nothing."""
    nordics = await make_region(client, studio)
    await make_group(client, studio, "lights")
    pearls = await sell(client, studio, virtual_currency(), "virtual_currency")
    lamp_body = virtual_item()
    lamp = await sell(client, studio, lamp_body)
    crate = await sell(client, studio, bundle(lamp, is_show_in_store=True), "bundle")
    game_body = game(game_key(), game_key("gog"))
    await sell(client, studio, game_body, "game")
    await _is_compiled_right(studio)
    period = {"date_from": "2027-01-01T00:00:00+00:00", "date_until": None}
    limits = {"per_user": 2, "per_item": 3, "recurrent_schedule": None}
    for changes in (
        {"name": {"en": "Torch"}},
        {"order": 7},
        {"groups": ["lights"]},
        {"regions": [{"id": nordics}]},
        {"periods": [period]},
        {"limits": limits},
        {"vc_prices": [{"sku": pearls, "amount": 3, "is_default": True}]},
        {"prices": [price(3, "EUR")]},
        {"is_enabled": False},
        {},
    ):
        reply = await put_item(client, studio, "virtual_item", lamp, {**lamp_body, **changes})
        assert reply.is_success, reply.text
        await _is_compiled_right(studio)
    for kind, sku, body in (
        ("virtual_currency", pearls, virtual_currency(sku=pearls, name={"en": "Shells"})),
        ("game", game_body["sku"], {**game_body, "is_enabled": False}),
    ):
        assert (await put_item(client, studio, kind, sku, body)).is_success
        await _is_compiled_right(studio)
    for kind, sku in (("bundle", crate), ("virtual_items", lamp), ("game", game_body["sku"])):
        reply = await client.delete(f"{admin(studio)}/items/{kind}/sku/{sku}", auth=studio.basic)
        assert reply.is_success, reply.text
        await _is_compiled_right(studio)


async def _is_compiled_right(studio: Studio) -> None:
    held = (await studio.context.catalogs.get(studio.project_id)).catalog
    assert held is not None
    fresh = await compile_catalog(studio.context.database.session(), studio.project_id, None)
    assert (held.version, held.taxonomy, held.members) == (fresh.version, fresh.taxonomy, fresh.members)
    for name in ("groups_of", "containers", "countries_of", "limited", "holders", "edges", "shapes", "has_stocks"):
        assert getattr(held, name) == getattr(fresh, name), name
    assert held.countries == fresh.countries
    assert held.stamps.keys() == fresh.stamps.keys() == held.entries.keys()
    for name in ("ordered", "listed"):
        ours, theirs = ([_values(entry) for entry in getattr(each, name)] for each in (held, fresh))
        assert ours == theirs, name
    assert {sku: entry.item_id for sku, entry in held.by_sku.items()} == {
        sku: entry.item_id for sku, entry in fresh.by_sku.items()
    }
    keys = [
        {game_id: [_values(key) for key in found] for game_id, found in each.keys_of.items()} for each in (held, fresh)
    ]
    assert keys[0] == keys[1]


def _values(entry: Entry) -> list[object]:
    return [getattr(entry, field.name) for field in fields(entry)]
