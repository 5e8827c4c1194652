"""Why an item is shown, sold and priced as it is: each rule, held against what the catalog answers itself."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.promotions.queries import find_skus
from haversack.promotions.records import PromotionKind, RevealedItems
from make.catalog import (
    any_sku,
    bundle,
    game,
    game_key,
    make_item,
    post_item,
    price,
    put_item,
    save_virtual_item,
    virtual_item,
)
from make.client_catalog import catalog_path, freeze, id_of, new_player, sell, sell_out, use
from make.explain import dropped_topics, explain, explain_path, found_of
from make.keys import make_region
from make.login import set_attributes
from make.personalization import ELVES, LEVEL_10, filter_rule, make_rule
from make.projects import Studio
from make.promotions import bonus, discount, make_promotion, save_promotion
from make.receiver import Answer, Receiver

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def _is_shown(
    client: httpx.AsyncClient, studio: Studio, sku: str, headers: dict[str, str] | None = None, **query: Any
) -> bool:
    """What the catalog itself says."""
    reply = await client.get(catalog_path(studio, f"/sku/{sku}"), params=query, headers=headers)
    assert reply.status_code in (200, 404)
    return reply.status_code == 200


async def test_get_item_explanation(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NOON)
    sku = await sell(client, studio, virtual_item())
    found = await explain(client, studio, f"item/{sku}")
    assert found["asked"] == {
        "player": None,
        "country": None,
        "currency": None,
        "time": "2026-06-01T12:00:00+00:00",
        "code": None,
        "locale": "en",
    }
    item = found["item"]
    assert (item["sku"], item["item_id"], item["name"], item["quantity"]) == (
        sku,
        await id_of(client, studio, sku),
        "Lamp",
        1,
    )
    assert (item["is_shown"], item["can_be_bought"]) == (True, True)
    assert item["price"] == {"amount": "9.99", "amount_without_discount": "9.99", "currency": "USD"}
    assert found["promotions"] == []
    assert [(each["topic"], each["rule"], each["is_kept"], each["why"]) for each in item["findings"]] == [
        ("visibility", "is_enabled", True, "It is switched on."),
        ("visibility", "is_show_in_store", True, "It is shown in the store."),
        ("visibility", "kind", True, "It is a virtual good."),
        ("region", "regions", True, "It has no regions: it is sold everywhere."),
        ("period", "periods", True, "It has no periods: it is always on sale."),
        ("personalization", "filter rules", True, "No filter rule names it: it is for everybody."),
        ("limit", "per_user", True, "It has no limit for each player."),
        ("stock", "per_item", True, "There are as many as are wanted."),
        ("price", "9.99 USD by default", True, "It is the default."),
        ("price", "list price", True, "1 x 9.99 USD = 9.99 USD"),
        ("purchase", "order", True, "It can be bought."),
    ]


async def test_get_item_explanation_of_one_that_is_not_there(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    foreign = await sell(client, other_studio, virtual_item())
    for sku in (foreign, "nothing"):
        reply = await client.get(explain_path(studio, f"item/{sku}"), auth=studio.basic)
        assert (reply.status_code, reply.json()["errorCode"]) == (404, 4001)


@pytest.mark.parametrize(
    "query",
    [
        {"country": "Germany"},
        {"currency": "EURO"},
        {"time": "now"},
        {"time": "2026-06-01T12:00:00"},
        {"player": ""},
        {"player": "x" * 256},
        {"code": ""},
        {"code": "x" * 129},
        {"country": "", "currency": "X", "time": "1"},
    ],
)
async def test_get_item_explanation_of_a_faulty_question(
    client: httpx.AsyncClient, studio: Studio, query: dict[str, str]
) -> None:
    reply = await client.get(explain_path(studio, "item/lamp"), params=query, auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert {fault["property"] for fault in reply.json()["errorMessageExtended"]} == set(query)


async def test_what_is_switched_off_or_not_in_the_store(client: httpx.AsyncClient, studio: Studio) -> None:
    body = virtual_item()
    sku = await sell(client, studio, body)
    for changes, why in (
        ({"is_enabled": False}, "It is switched off: nobody sees it, and bundles leave it out."),
        ({"is_show_in_store": False}, "It is not in the store: it comes inside of others alone."),
    ):
        assert (await put_item(client, studio, "virtual_item", sku, {**body, **changes})).status_code == 204
        item = (await explain(client, studio, f"item/{sku}"))["item"]
        assert (item["is_shown"], item["can_be_bought"]) == (False, False)
        assert not await _is_shown(client, studio, sku)
        assert found_of(item, "visibility", next(iter(changes))) == [(False, why)]
        assert found_of(item, "purchase")[0][1].startswith("[0401-1455]")


async def test_regions(client: httpx.AsyncClient, studio: Studio) -> None:
    region = await make_region(studio, "DE", "AT")
    sku = await sell(client, studio, virtual_item(regions=[{"id": region}]))
    for country, is_sold, why in (
        ("at", True, f"AT is in one of its regions: {region} (Region)."),
        ("FR", False, f"FR is in none of its regions: {region} (Region)."),
        (None, False, f"No country is known, and it is sold in regions alone: {region} (Region)."),
    ):
        about = {} if country is None else {"country": country}
        item = (await explain(client, studio, f"item/{sku}", **about))["item"]
        assert found_of(item, "region") == [(is_sold, why)]
        assert (item["is_shown"], item["can_be_bought"]) == (is_sold, is_sold)
        assert await _is_shown(client, studio, sku, **about) is is_sold


async def test_periods(client: httpx.AsyncClient, studio: Studio) -> None:
    periods = [
        {"date_from": "2026-05-01T00:00:00+00:00", "date_until": "2026-05-08T00:00:00+00:00"},
        {"date_from": "2026-06-01T00:00:00+00:00", "date_until": None},
    ]
    sku = await sell(client, studio, virtual_item(periods=periods))
    for at, is_on_sale, why in (
        (NOON, True, "It is on sale: from 2026-06-01T00:00:00+00:00."),
        (
            datetime(2026, 5, 10, tzinfo=UTC),
            False,
            "2026-05-10T00:00:00+00:00 is in none of its periods: from 2026-05-01T00:00:00+00:00 until "
            "2026-05-08T00:00:00+00:00; from 2026-06-01T00:00:00+00:00.",
        ),
    ):
        item = (await explain(client, studio, f"item/{sku}", time=at.isoformat()))["item"]
        assert found_of(item, "period") == [(is_on_sale, why)]
        assert (item["is_shown"], item["can_be_bought"]) == (is_on_sale, is_on_sale)
        await freeze(studio, at)
        assert await _is_shown(client, studio, sku) is is_on_sale


async def test_filter_rules(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    elves = await make_rule(client, studio, filter_rule(sku, attribute_conditions=[ELVES, LEVEL_10]))
    off = await make_rule(client, studio, filter_rule(sku, name="Off", is_enabled=False))
    for_all = await make_rule(
        client, studio, filter_rule(sku, name="All", is_satisfied_for_unauth=True, attribute_conditions=[LEVEL_10])
    )
    player_id, headers = await new_player(studio)
    await set_attributes(studio, player_id, {"race": "elf", "level": "3"})
    item = (await explain(client, studio, f"item/{sku}", player=str(player_id)))["item"]
    unmet = "level ge 10 (number), and the player has 3"
    assert [
        (each["rule"], each["is_kept"], each["why"]) for each in item["findings"] if each["topic"] == "personalization"
    ] == [
        (f"filter rule {elves} (For elves)", False, f"Not met: {unmet}."),
        (f"filter rule {off} (Off)", False, "It is switched off."),
        (f"filter rule {for_all} (All)", False, f"Not met: {unmet}."),
        ("filter rules", False, "None of the rules that name it shows it."),
    ]
    assert (item["is_shown"], item["can_be_bought"]) == (False, False)
    assert found_of(item, "purchase")[0][1].startswith("[0401-1455]")
    assert not await _is_shown(client, studio, sku, headers)
    stranger = (await explain(client, studio, f"item/{sku}", player=str(uuid4())))["item"]
    assert "race eq elf (string), and the player has none" in found_of(stranger, "personalization")[0][1]
    guest = (await explain(client, studio, f"item/{sku}"))["item"]
    assert found_of(guest, "personalization") == [
        (False, "It does not show its items to those who are not signed in."),
        (False, "It is switched off."),
        (True, "It shows its items to those who are not signed in."),
        (True, "One of the rules that name it shows it."),
    ]
    assert (guest["is_shown"], guest["can_be_bought"]) == (True, True)
    assert await _is_shown(client, studio, sku)
    hero_id, headers = await new_player(studio)
    await set_attributes(studio, hero_id, {"race": "elf", "level": "12"})
    hero = (await explain(client, studio, f"item/{sku}", player=str(hero_id)))["item"]
    assert found_of(hero, "personalization")[0] == (True, "The player meets all of its conditions.")
    assert hero["is_shown"]
    assert await _is_shown(client, studio, sku, headers)


async def test_rules_that_are_switched_off_hide_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item())
    await make_rule(client, studio, filter_rule(sku, is_enabled=False))
    item = (await explain(client, studio, f"item/{sku}", player="hero"))["item"]
    why = "The rules that name it are switched off: it is for everybody."
    assert found_of(item, "personalization", "filter rules") == [(True, why)]
    assert item["is_shown"] and item["can_be_bought"]


async def test_what_the_game_says(client: httpx.AsyncClient, studio: Studio) -> None:
    shown, hidden, dear = [await sell(client, studio, virtual_item()) for _ in range(3)]
    await make_rule(client, studio, filter_rule(shown))
    path = f"/api/v2/project/{studio.project_id}/admin"
    chosen = await client.put(f"{path}/personalization", json={"personalization": "partner"}, auth=studio.basic)
    assert chosen.status_code == 204
    async with Receiver() as receiver:
        webhook = {"url": receiver.url, "secret": "of the game", "is_enabled": True}
        assert (await client.put(f"{path}/webhook", json=webhook, auth=studio.basic)).status_code == 204
        later = f'{{"sku":"{hidden}","date_from":"2090-01-01T00:00:00Z"}}'
        offer = f'[{{"sku":"{shown}","quantity":2}},{{"sku":"{dear}","quantity":0}},{{}},{later}]'
        receiver.answer_always(Answer(200, offer.encode()))
        item = (await explain(client, studio, f"item/{shown}", player="hero", country="DE"))["item"]
        # The project's own rules are not looked at.
        assert found_of(item, "personalization") == [
            (True, "The game has said what this player sees."),
            (False, "Entry 2: has neither a sku nor an item_id."),
            (True, "The game offers it: 2 of it."),
        ]
        assert (item["is_shown"], item["can_be_bought"]) == (True, True)
        none = (await explain(client, studio, f"item/{dear}", player="hero", country="DE"))["item"]
        assert found_of(none, "personalization", "offered by the game") == [
            (True, "The game offers it: none of it may be bought.")
        ]
        assert (none["is_shown"], none["can_be_bought"]) == (True, False)
        assert found_of(none, "purchase") == [(False, "The game lets the player buy none of it.")]
        gone = (await explain(client, studio, f"item/{hidden}", player="hero", country="DE"))["item"]
        assert found_of(gone, "personalization", "offered by the game") == [
            (False, "The game offers it at another time: from 2090-01-01T00:00:00+00:00.")
        ]
        assert (gone["is_shown"], gone["can_be_bought"]) == (False, False)
        assert [request.json["user"]["user_id"] for request in receiver.received] == ["hero"]
        receiver.answer_always(Answer(500))
        away = (await explain(client, studio, f"item/{shown}", player="another"))["item"]
        assert found_of(away, "personalization") == [
            (
                False,
                "The game does not answer, and has not said anything lately: nothing is shown. "
                "The receiver answered 500.",
            ),
            (False, "The game does not name it."),
        ]
        assert not away["is_shown"]


async def test_limits_of_a_player(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NOON)
    schedule = {"per_user": {"interval_type": "daily", "time": "00:00:00+00:00"}}
    sku = await sell(client, studio, virtual_item(limits={"per_user": 3, "per_item": None}))
    daily = await sell(
        client, studio, virtual_item(limits={"per_user": 2, "per_item": None, "recurrent_schedule": schedule})
    )
    player_id, headers = await new_player(studio)
    await use(studio, player_id, await id_of(client, studio, sku), 2)
    await use(studio, player_id, await id_of(client, studio, daily), 2, window_start=datetime(2026, 6, 1, tzinfo=UTC))
    item = (await explain(client, studio, f"item/{sku}", player=str(player_id)))["item"]
    assert found_of(item, "limit") == [(True, "The limit is 3, and 1 are left to the player.")]
    assert item["is_shown"] and item["can_be_bought"]
    nobody = (await explain(client, studio, f"item/{sku}"))["item"]
    assert found_of(nobody, "limit")[0][1].startswith("The limit is 3, and nobody has used any")
    await use(studio, player_id, await id_of(client, studio, sku), 3)
    item = (await explain(client, studio, f"item/{sku}", player=str(player_id)))["item"]
    assert found_of(item, "limit") == [
        (False, "The limit is 3, and 0 are left to the player."),
        (False, "It is hidden from players who have used it up."),
    ]
    assert (item["is_shown"], item["can_be_bought"]) == (False, False)
    assert not await _is_shown(client, studio, sku, headers)
    item = (await explain(client, studio, f"item/{daily}", player=str(player_id)))["item"]
    why = "The limit is 2, and 0 are left to the player, until it begins anew at 2026-06-02T00:00:00+00:00."
    assert found_of(item, "limit", "per_user") == [(False, why)]
    assert item["is_shown"] is await _is_shown(client, studio, daily, headers)
    assert not item["can_be_bought"]
    tomorrow = (await explain(client, studio, f"item/{daily}", player=str(player_id), time="2026-06-02T00:00:00Z"))[
        "item"
    ]
    assert tomorrow["can_be_bought"]


async def test_stock(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(limits={"per_user": None, "per_item": 5}))
    item_id = await id_of(client, studio, sku)
    item = (await explain(client, studio, f"item/{sku}"))["item"]
    assert found_of(item, "stock") == [(True, "5 of 5 are left for everybody.")]
    await sell_out(studio, item_id)
    item = (await explain(client, studio, f"item/{sku}"))["item"]
    assert found_of(item, "stock") == [(False, "0 of 5 are left for everybody.")]
    assert (item["is_shown"], item["can_be_bought"]) == (False, False)
    assert not await _is_shown(client, studio, sku)


async def test_games_and_their_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    body = game(game_key())
    early = game(game_key(pre_order={"release_date": "2090-01-01T00:00:00+00:00", "is_enabled": True}))
    for each in (body, early):
        assert (await post_item(client, studio, "game", each)).status_code == 201
    key = body["unit_items"][0]["sku"]
    item = (await explain(client, studio, f"item/{key}"))["item"]
    assert found_of(item, "visibility", "game") == [(True, f"Its game ({body['sku']}) is in the store.")]
    assert found_of(item, "stock", "codes") == [(False, "There is no code for the country.")]
    assert (item["is_shown"], item["can_be_bought"]) == (True, False)
    assert await _is_shown(client, studio, key)
    ordered = (await explain(client, studio, f"item/{early['unit_items'][0]['sku']}"))["item"]
    assert found_of(ordered, "stock", "codes") == [
        (
            True,
            "There is no code for the country. Its release lies ahead, and any number may be ordered before it.",
        )
    ]
    assert ordered["can_be_bought"]
    whole = (await explain(client, studio, f"item/{body['sku']}"))["item"]
    assert (whole["is_shown"], whole["can_be_bought"], whole["price"]) == (True, False, None)
    assert found_of(whole, "price", "prices") == [(False, "It is its keys that have prices.")]
    assert (await put_item(client, studio, "game", body["sku"], {**body, "is_enabled": False})).status_code == 201
    item = (await explain(client, studio, f"item/{key}"))["item"]
    why = f"Its game ({body['sku']}) is not in the store, and its keys neither."
    assert found_of(item, "visibility", "game") == [(False, why)]
    assert not item["is_shown"]
    assert not await _is_shown(client, studio, key)


async def test_content(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = virtual_item(limits={"per_user": 1, "per_item": None})
    rope, oil = virtual_item(limits={"per_user": None, "per_item": 2}), virtual_item()
    for body in (lamp, rope, oil):
        await sell(client, studio, body)
    ids = {body["sku"]: await id_of(client, studio, body["sku"]) for body in (lamp, rope)}
    crate = bundle(lamp["sku"], {"sku": rope["sku"], "quantity": 2}, oil["sku"], is_show_in_store=True)
    await sell(client, studio, crate, "bundle")
    assert (await put_item(client, studio, "virtual_item", oil["sku"], {**oil, "is_enabled": False})).status_code == 204
    item = (await explain(client, studio, f"item/{crate['sku']}"))["item"]
    assert found_of(item, "content") == [
        (True, "1 of it are inside."),
        (True, "2 of it are inside."),
        (False, "It is switched off: it is left out."),
        (True, "The item and what it holds can be had."),
    ]
    assert item["is_shown"] and item["can_be_bought"]
    await sell_out(studio, ids[rope["sku"]])
    player_id, headers = await new_player(studio)
    await use(studio, player_id, ids[lamp["sku"]], 1)
    item = (await explain(client, studio, f"item/{crate['sku']}", player=str(player_id)))["item"]
    assert found_of(item, "content") == [
        (False, "The player has used up its limit."),
        (False, "It is sold out."),
        (False, "It is switched off: it is left out."),
        (False, "The item, or something in it, cannot be had."),
    ]
    assert not item["can_be_bought"]
    assert item["is_shown"] is await _is_shown(client, studio, crate["sku"], headers)


async def test_which_price_applies(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [
        price(9.99),
        price(8.49, "EUR", country_iso="DE"),
        price(7.99, "USD", country_iso="FR", is_enabled=False),
    ]
    sku = await sell(client, studio, virtual_item(prices=prices))
    other = await sell(client, studio, virtual_item())
    item = (await explain(client, studio, f"item/{sku}", country="FR"))["item"]
    assert [(each["rule"], each["is_kept"], each["why"]) for each in item["findings"] if each["topic"] == "price"] == [
        ("9.99 USD by default", True, "FR has no price of its own that fits: the default one applies."),
        ("8.49 EUR in DE", False, "It is for DE alone."),
        ("7.99 USD in FR", False, "It is switched off."),
        ("list price", True, "1 x 9.99 USD = 9.99 USD"),
    ]
    # Another item has no price in euros: the country sees everything in dollars.
    item = (await explain(client, studio, f"item/{sku}", country="DE"))["item"]
    assert item["price"]["currency"] == "USD"
    why = "Everything is shown in USD here, since prices would be in several currencies."
    assert found_of(item, "price", "8.49 EUR in DE") == [(False, why)]
    item = (await explain(client, studio, f"item/{sku}", country="DE", currency="eur"))["item"]
    assert item["price"]["amount"] == "8.49"
    assert found_of(item, "price", "9.99 USD by default") == [(False, "Prices in EUR were asked for.")]
    assert found_of(item, "price", "8.49 EUR in DE") == [(True, "DE has a price of its own.")]
    item = (await explain(client, studio, f"item/{other}", currency="EUR"))["item"]
    assert found_of(item, "price", "real money") == [(False, "No price in real money applies.")]
    assert (item["price"], item["can_be_bought"]) == (None, False)
    assert "4054" in found_of(item, "purchase")[0][1]


async def test_free_items_and_virtual_prices(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = await make_item(client, studio, "virtual_currency")
    free = await sell(client, studio, virtual_item(is_free=True, prices=[]))
    vc_prices = [{"sku": pearls["sku"], "amount": 50, "is_default": True, "is_enabled": True}]
    paid = await sell(client, studio, virtual_item(prices=[], vc_prices=vc_prices))
    item = (await explain(client, studio, f"item/{free}"))["item"]
    assert found_of(item, "price", "is_free") == [(True, "It is free.")]
    assert item["can_be_bought"]
    item = (await explain(client, studio, f"item/{paid}"))["item"]
    assert found_of(item, "price", f"50 {pearls['sku']}") == [(True, "It can be bought for it.")]


async def test_promotions(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NOON)
    sku, present, other = [await sell(client, studio, virtual_item()) for _ in range(3)]
    ten = await make_promotion(client, studio, "item", discount(sku))
    past = await make_promotion(client, studio, "item", discount(sku, date_end="2026-01-01T00:00:00Z"))
    elsewhere = await make_promotion(client, studio, "item", discount(other))
    gift = await make_promotion(client, studio, "bonus", bonus(present))
    elves = await make_promotion(client, studio, "item", discount(sku, attribute_conditions=[ELVES]))
    found = await explain(client, studio, f"item/{sku}")
    assert [(each["rule"], each["is_kept"], each["why"]) for each in found["promotions"]] == [
        (f"promotion {ten} (Summer sale)", True, "It applies."),
        (f"promotion {past} (Summer sale)", False, "It is not in one of its periods."),
        (f"promotion {elsewhere} (Summer sale)", False, "It does nothing for what is bought."),
        (f"promotion {gift} (A present)", True, "It applies."),
        (f"promotion {elves} (Summer sale)", False, "The player's attributes do not meet it."),
        (f"bonus {present}", True, f"Promotion {gift} gives 2 of it on top."),
    ]
    assert found["item"]["price"] == {"amount": "8.99", "amount_without_discount": "9.99", "currency": "USD"}
    assert found_of(found["item"], "price")[1:] == [
        (True, "1 x 9.99 USD = 9.99 USD"),
        (True, "Summer sale: 10.00 % off = 8.991 USD"),
        (True, "half up to the decimals of USD = 8.99 USD"),
    ]
    earlier = await explain(client, studio, f"item/{sku}", time="2025-12-31T23:59:59Z")
    kept = [each["rule"] for each in earlier["promotions"] if each["is_kept"]]
    assert f"promotion {past} (Summer sale)" in kept
    assert earlier["item"]["price"]["amount"] == "8.09"


async def test_unique_offers(client: httpx.AsyncClient, studio: Studio) -> None:
    item_id, plain = await save_virtual_item(studio), await sell(client, studio, virtual_item())
    rewards = (RevealedItems((item_id,)),)
    offer = await save_promotion(studio, PromotionKind.UNIQUE_OFFER, "SECRET", rewards=rewards)
    off = await save_promotion(studio, PromotionKind.UNIQUE_OFFER, "OLD", rewards=rewards, is_enabled=False)
    sku = (await find_skus(studio.context.database.session(), studio.project_id, [item_id]))[item_id]
    # Read models are told.
    await sell(client, studio, virtual_item())
    player_id, headers = await new_player(studio)
    names = [f"promotion {each.promotion_id} (Welcome)" for each in (offer, off)]
    for player, code, is_revealed, why in (
        (player_id, "SECRET", True, "A code reveals it to this player."),
        (player_id, "OLD", False, "It is kept back, and no code reveals it."),
        (player_id, None, False, "It is kept back, and no code reveals it."),
        (None, "SECRET", False, "It is kept back, and codes reveal nothing to those who are not signed in."),
    ):
        about = {} if player is None else {"player": str(player)}
        about |= {} if code is None else {"code": code}
        item = (await explain(client, studio, f"item/{sku}", **about))["item"]
        assert found_of(item, "unique offer", "kept back") == [(is_revealed, why)]
        whys = [
            "Its code reveals the item." if code == "SECRET" else "None of its codes was given.",
            "It is switched off.",
        ]
        assert [found_of(item, "unique offer", name)[0][1] for name in names] == whys
        assert (item["is_shown"], item["can_be_bought"]) == (is_revealed, is_revealed)
        shown = await _is_shown(
            client, studio, sku, None if player is None else headers, **({} if code is None else {"promo_code": code})
        )
        assert shown is is_revealed
    assert found_of((await explain(client, studio, f"item/{plain}"))["item"], "unique offer") == []


async def test_names_in_another_language(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(name={"en": "Lamp", "de": "Lampe"}))
    assert (await explain(client, studio, f"item/{sku}", locale="de-DE"))["item"]["name"] == "Lampe"
    assert (await explain(client, studio, f"item/{sku}", locale="xx"))["item"]["name"] == "Lamp"


async def test_nothing_is_dropped_without_a_reason(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = any_sku()
    await sell(client, studio, virtual_item(sku=sku, is_enabled=False))
    item = (await explain(client, studio, f"item/{sku}"))["item"]
    assert dropped_topics(item) == {"visibility", "purchase"}
