"""What players read of what they own: inventory, balances, time-limited items."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.catalog.records import VirtualItemType
from haversack.clock import real_now
from haversack.database.engine import Database, DatabaseAway
from haversack.http.dispatch import Dispatcher
from haversack.inventory.actions import CurrencyGrant, ItemGrant
from haversack.payments.tokens import issue_token
from make.catalog import any_sku, make_item, put_item, virtual_currency, virtual_item
from make.client_catalog import freeze
from make.inventory import TWO_DAYS, USES, give, make_goods, owned, path, read
from make.orders import project_of
from make.projects import Studio, make_project_beside
from make.taxonomy import make_group, refusal

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
READS = ("inventory/items", "virtual_currency_balance", "time_limited_items")


async def test_get_user_inventory(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lights")
    lamp = virtual_item(
        name={"en": "Lamp", "de": "Lampe"},
        groups=["lights"],
        attributes=[
            {
                "external_id": "glow",
                "name": {"en": "Glow"},
                "values": [{"external_id": "soft", "value": {"en": "Soft"}}],
            }
        ],
        inventory_options={"consumable": {"usages_count": 1}},
    )
    made = await make_item(client, studio, body=lamp)
    player_id = uuid4()
    given = ItemGrant(made["item_id"], lamp["sku"], 5, VirtualItemType.CONSUMABLE)
    assert await give(studio, player_id, given)
    assert await read(client, studio, player_id, "inventory/items", platform="android_standalone", locale="de-DE") == [
        {
            "sku": lamp["sku"],
            "name": "Lampe",
            "description": "It gives light.",
            "image_url": lamp["image_url"],
            "type": "virtual_good",
            "virtual_item_type": "consumable",
            "attributes": [
                {"external_id": "glow", "name": "Glow", "values": [{"external_id": "soft", "value": "Soft"}]}
            ],
            "groups": [{"external_id": "lights", "name": "Lights"}],
            "instance_id": None,
            "quantity": 5,
            "remaining_uses": 1,
        }
    ]
    assert (await read(client, studio, player_id, "inventory/items", locale="xx"))[0]["name"] == "Lamp"


async def test_every_way_of_being_used_up(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    content = [
        goods.grant_of("stack", 4),
        goods.grant_of("pieces", 2),
        goods.grant_of("single"),
        goods.grant_of("timed"),
    ]
    await give(studio, player_id, *content, CurrencyGrant(goods["currency"], 9))
    found = await read(client, studio, player_id, "inventory/items")
    assert [(item["sku"], item["quantity"], item["remaining_uses"]) for item in found] == [
        (goods["stack"], 4, 1),
        (goods["pieces"], None, USES),
        (goods["pieces"], None, USES),
        (goods["single"], 1, 1),
        (goods["timed"], 1, 1),
    ], "a currency is no item of the inventory"
    kinds = ["consumable", "consumable", "consumable", "non_consumable", "non_renewing_subscription"]
    assert [item["virtual_item_type"] for item in found] == kinds
    assert [len(item["instance_id"] or "") for item in found] == [0, 32, 32, 0, 0]
    assert found[1]["instance_id"] != found[2]["instance_id"]


async def test_what_has_no_picture_has_an_empty_address(client: httpx.AsyncClient, studio: Studio) -> None:
    """The iOS SDK loses the whole inventory by a null."""
    made = await make_item(client, studio, body=virtual_item(image_url=None))
    player_id = uuid4()
    await give(studio, player_id, ItemGrant(made["item_id"], made["sku"], 1, VirtualItemType.NON_CONSUMABLE))
    (item,) = await read(client, studio, player_id, "inventory/items")
    assert item["image_url"] == ""


async def test_pages_of_the_inventory(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack"), goods.grant_of("pieces", 60))
    first = await read(client, studio, player_id, "inventory/items")
    rest = await read(client, studio, player_id, "inventory/items", offset=50, limit=50)
    assert (len(first), len(rest)) == (50, 11)
    assert len({item["instance_id"] for item in (*first, *rest)}) == 61
    assert await read(client, studio, player_id, "inventory/items", limit=2, offset=3) == first[3:5]
    assert await read(client, studio, player_id, "inventory/items", limit=500) == first, "the most there is on a page"
    assert await read(client, studio, player_id, "inventory/items", offset=61) == []
    headers = await studio.player_headers(player_id)
    for offset, has_more in ((0, True), (11, False), (61, False)):
        reply = await client.get(path(studio, "user/inventory/items"), params={"offset": offset}, headers=headers)
        assert reply.json()["has_more"] is has_more


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"limit": 0}, "limit"),
        ({"offset": -1}, "offset"),
        ({"limit": "x"}, "limit"),
        ({"platform": "amiga"}, "platform"),
    ],
)
async def test_pages_that_are_none(
    client: httpx.AsyncClient, studio: Studio, parameters: dict[str, Any], place: str
) -> None:
    headers = await studio.player_headers(uuid4())
    reply = await client.get(path(studio, "user/inventory/items"), params=parameters, headers=headers)
    assert reply.status_code == 422
    assert [fault["property"] for fault in reply.json()["errorMessageExtended"]] == [place]


async def test_what_is_deleted_or_changed(client: httpx.AsyncClient, studio: Studio) -> None:
    """What the studio deletes is not shown, and leaves no gap in a page; what it renames has the new name at once."""
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack"), goods.grant_of("single"))
    gone = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/{goods['stack']}"
    assert (await client.delete(gone, auth=studio.basic)).status_code == 204
    assert await owned(client, studio, player_id) == [(goods["single"], 1, 1)]
    page = await read(client, studio, player_id, "inventory/items", limit=1)
    assert [item["sku"] for item in page] == [goods["single"]]
    renamed = virtual_item(sku=goods["single"], name={"en": "Lantern"}, is_enabled=False)
    assert (await put_item(client, studio, "virtual_item", goods["single"], renamed)).status_code == 204
    page = await read(client, studio, player_id, "inventory/items")
    assert [item["name"] for item in page] == ["Lantern"], "what is no longer sold is owned all the same"


async def test_get_user_virtual_balance(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = virtual_currency(
        sku="pearls", description={"en": "Round."}, image_url="https://pictures.example.com/p.png"
    )
    await make_item(client, studio, "virtual_currency", pearls)
    await make_item(client, studio, "virtual_currency", virtual_currency(sku="shells", name={"en": "Shells"}))
    gone = virtual_currency(sku="coins", is_enabled=False)
    await make_item(client, studio, "virtual_currency", gone)
    await make_item(client, studio, "virtual_currency", virtual_currency(sku="never", is_enabled=False))
    player_id = uuid4()
    await give(studio, player_id, CurrencyGrant("pearls", 120), CurrencyGrant("coins", 3))
    found = await read(client, studio, player_id, "virtual_currency_balance", platform="xsolla")
    assert {item["sku"]: item["amount"] for item in found} == {"pearls": 120, "coins": 3, "shells": 0}
    assert next(item for item in found if item["sku"] == "pearls") == {
        "sku": "pearls",
        "name": "Pearls",
        "description": "Round.",
        "image_url": "https://pictures.example.com/p.png",
        "type": "virtual_currency",
        "amount": 120,
    }


async def test_get_user_time_limited_items(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await freeze(studio, NOW)
    assert await read(client, studio, player_id, "time_limited_items") == []
    await give(studio, player_id, goods.grant_of("timed"), goods.grant_of("stack"), now=NOW)
    end = NOW + timedelta(days=2)
    (found,) = await read(client, studio, player_id, "time_limited_items")
    assert (found["sku"], found["virtual_item_type"]) == (goods["timed"], "non_renewing_subscription")
    assert (found["expired_at"], found["status"], found["class"]) == (end.timestamp(), "active", None)
    await give(studio, player_id, goods.grant_of("timed", 3), now=NOW)
    (found,) = await read(client, studio, player_id, "time_limited_items")
    assert found["expired_at"] == (end + timedelta(days=6)).timestamp(), "the end moves out, the number stays"
    assert (goods["timed"], 1, 1) in await owned(client, studio, player_id)
    await freeze(studio, end + timedelta(days=6))
    (found,) = await read(client, studio, player_id, "time_limited_items")
    assert found["status"] == "expired"
    assert await owned(client, studio, player_id) == [(goods["stack"], 1, 1)]
    await give(studio, player_id, goods.grant_of("timed"), now=end + timedelta(days=9))
    (found,) = await read(client, studio, player_id, "time_limited_items")
    assert found["expired_at"] == (end + timedelta(days=11)).timestamp(), "what is past begins anew"


async def test_time_limited_item_without_end(client: httpx.AsyncClient, studio: Studio) -> None:
    body = virtual_item(sku=any_sku("pass"), inventory_options={"expiration_period": TWO_DAYS})
    made, player_id = await make_item(client, studio, body=body), uuid4()
    endless = ItemGrant(made["item_id"], body["sku"], 1, VirtualItemType.NON_RENEWING_SUBSCRIPTION)
    await give(studio, player_id, endless)
    (found,) = await read(client, studio, player_id, "time_limited_items")
    assert (found["expired_at"], found["status"]) == (None, "none")


async def test_reads_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    """They are read together, and each player gets the own: first pages, later ones, balances, ends."""
    goods, players = await make_goods(client, studio), [uuid4() for _ in range(12)]
    for number, player_id in enumerate(players, start=1):
        ways = [goods.grant_of("stack", number), goods.grant_of("pieces", number), goods.grant_of("timed", number)]
        await give(studio, player_id, *ways, CurrencyGrant(goods["currency"], number))

    async def has_the_own(number: int, player_id: UUID) -> bool:
        found = await owned(client, studio, player_id)
        assert found == [
            (goods["stack"], number, 1),
            *[(goods["pieces"], None, USES)] * number,
            (goods["timed"], 1, 1),
        ]
        page = await read(client, studio, player_id, "inventory/items", offset=1)
        assert [item["sku"] for item in page] == [sku for sku, *_ in found[1:]]
        (balance,) = await read(client, studio, player_id, "virtual_currency_balance")
        (timed,) = await read(client, studio, player_id, "time_limited_items")
        ends.add(timed["expired_at"])
        return bool(balance["amount"] == number)

    ends: set[int] = set()
    asked = list(enumerate(players, start=1)) * 3
    assert all(await asyncio.gather(*(has_the_own(number, player_id) for number, player_id in asked)))
    assert len(ends) == len(players)


async def test_reads_while_the_database_is_away(
    application: Dispatcher, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody who waits is told, and whoever asks afterwards is answered."""
    headers = [await studio.player_headers(uuid4()) for _ in range(5)]
    url = path(studio, "user/virtual_currency_balance")
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8044") as client:

        async def statuses() -> set[int]:
            replies = await asyncio.gather(*(client.get(url, headers=each) for each in headers))
            return {reply.status_code for reply in replies}

        assert await statuses() == {200}
        with monkeypatch.context() as away:
            away.setattr(Database, "connection", _no_connection)
            assert await statuses() == {503}
        assert await statuses() == {200}


def _no_connection(database: Database, **_: object) -> Any:
    raise DatabaseAway("no connection")


@pytest.mark.parametrize("what", READS)
async def test_reads_of_others(client: httpx.AsyncClient, studio: Studio, other_studio: Studio, what: str) -> None:
    """Nobody reads what others own; a token of another login opens nothing; nor does a scheme that is not Bearer."""
    url = path(studio, f"user/{what}")
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack"), goods.grant_of("timed"), CurrencyGrant(goods["currency"], 5))
    strangers = await read(client, studio, uuid4(), what)
    assert [item.get("amount") for item in strangers] in ([], [0])
    for headers in (
        await other_studio.player_headers(player_id),
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer unknown"},
        {"Authorization": "Token a.b.c"},
        {},
    ):
        for _ in range(2):
            reply = await client.get(url, headers=headers)
            assert refusal(reply) == (401, 1020)
    headers = await studio.player_headers(player_id)
    for nowhere in ("1", "99999999999"):
        assert refusal(await client.get(f"/api/v2/project/{nowhere}/user/{what}", headers=headers)) == (401, 1020)
    beside = await make_project_beside(studio)
    assert await read(client, beside, player_id, what) == [], "another game of the same players"


async def test_reads_with_a_payment_token(client: httpx.AsyncClient, studio: Studio) -> None:
    """A game without Login shows what its player has with the token that pays."""
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack", 3))
    token = await issue_token(
        studio.context.database.session(),
        await project_of(studio),
        order=None,
        player_id=player_id,
        external_id="captain ahab",
        is_sandbox=False,
        user_details={},
        purchase={"amount": "1", "currency": "USD", "description": "A harpoon"},
        settings={},
        custom_parameters=None,
        now=real_now(),
    )
    headers = {"Authorization": f"Bearer {token}"}
    reply = await client.get(path(studio, "user/inventory/items"), headers=headers)
    assert [item["quantity"] for item in reply.json()["items"]] == [3]
    body = {"sku": goods["stack"], "quantity": 3}
    reply = await client.post(path(studio, "user/inventory/item/consume"), json=body, headers=headers)
    assert reply.status_code == 200
    assert await owned(client, studio, player_id) == []


async def test_answers_are_the_players_own(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = await studio.player_headers(uuid4())
    for _ in range(2):
        reply = await client.get(
            path(studio, "user/inventory/items"), headers={**headers, "Origin": "https://a.example"}
        )
        assert reply.headers["cache-control"] == "private, no-store"
        assert reply.headers["access-control-allow-origin"] == "*"
