"""Makes currencies and items of every way of being used up, gives them, and reads what players have of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx

from haversack.catalog.records import Expiration, VirtualItemType
from haversack.clock import real_now
from haversack.inventory.actions import grant
from haversack.inventory.currencies import save_currency
from haversack.inventory.ledger import LedgerRow, write_ledger
from haversack.inventory.queries.owned import list_balances
from haversack.inventory.records import Granted, ItemGrant
from haversack.inventory.verifying import Difference, find_differences
from make.catalog import any_sku, make_item, virtual_currency, virtual_item
from make.projects import Studio

USES = 3
TWO_DAYS = {"type": "day", "value": 2}
# By the words of the tests: the inventory options of each way of being used up.
OPTIONS: dict[str, dict[str, Any]] = {
    "stack": {"consumable": {"usages_count": 1}},
    "pieces": {"consumable": {"usages_count": USES}},
    "single": {"consumable": None},
    "timed": {"expiration_period": TWO_DAYS},
}


async def make_currency(studio: Studio, sku: str, name: str) -> None:
    """A virtual currency of the wallet."""
    db = studio.context.database.session()
    await save_currency(db, studio.project_id, sku=sku, name=name, now=real_now())


async def balances_of(studio: Studio, player_id: UUID) -> dict[str, int]:
    """What a player has in the wallet."""
    found = await list_balances(studio.context.database.session(), studio.project_id, [player_id])
    return found.get(player_id, {})


@dataclass(frozen=True, slots=True)
class Goods:
    """One item of each way of being used up, and a currency: SKUs and ids."""

    skus: Mapping[str, str]
    ids: Mapping[str, int]

    def __getitem__(self, way: str) -> str:
        return self.skus[way]

    def grant_of(self, way: str, quantity: int = 1) -> ItemGrant:
        """What is given of one."""
        return ItemGrant(
            item_id=self.ids[way],
            sku=self.skus[way],
            quantity=quantity,
            virtual_item_type={
                "single": VirtualItemType.NON_CONSUMABLE,
                "timed": VirtualItemType.NON_RENEWING_SUBSCRIPTION,
            }.get(way, VirtualItemType.CONSUMABLE),
            usages_count=USES if way == "pieces" else None,
            expiration=Expiration("day", 2) if way == "timed" else None,
        )


async def make_goods(client: httpx.AsyncClient, studio: Studio) -> Goods:
    """A shop with one item of each way of being used up, and a currency."""
    made = {
        way: await make_item(client, studio, body=virtual_item(sku=any_sku(way), inventory_options=options))
        for way, options in OPTIONS.items()
    }
    made["currency"] = await make_item(client, studio, "virtual_currency", virtual_currency(sku=any_sku("pearls")))
    return Goods({way: item["sku"] for way, item in made.items()}, {way: item["item_id"] for way, item in made.items()})


async def give(
    studio: Studio, player_id: UUID, *content: Granted, source: str | None = None, now: datetime | None = None
) -> bool:
    """Give a player something, as an order would."""
    db = studio.context.database.session()
    async with db.begin():
        return await grant(
            db,
            project_id=studio.project_id,
            player_id=player_id,
            source=source or f"test:{uuid4().hex}",
            content=content,
            now=now or real_now(),
        )


def path(studio: Studio, rest: str) -> str:
    """Where the calls of this feature are."""
    return f"/api/v2/project/{studio.project_id}/{rest}"


async def read(
    client: httpx.AsyncClient, studio: Studio, player_id: UUID, what: str, **parameters: Any
) -> list[dict[str, Any]]:
    """The items of a player's read. It is read twice: the second answer comes the short way."""
    headers = await studio.player_headers(player_id)
    first = await client.get(path(studio, f"user/{what}"), params=parameters, headers=headers)
    assert first.status_code == 200, first.text
    second = await client.get(path(studio, f"user/{what}"), params=parameters, headers=headers)
    assert (second.status_code, second.content) == (200, first.content)
    found: list[dict[str, Any]] = first.json()["items"]
    return found


async def owned(client: httpx.AsyncClient, studio: Studio, player_id: UUID) -> list[tuple[str, Any, Any]]:
    """SKU, number and uses of each entry of a player's inventory."""
    found = await read(client, studio, player_id, "inventory/items")
    return [(item["sku"], item["quantity"], item["remaining_uses"]) for item in found]


async def consume(client: httpx.AsyncClient, studio: Studio, player_id: UUID, **body: Any) -> httpx.Response:
    """Use something up as the player's game."""
    headers = await studio.player_headers(player_id)
    return await client.post(path(studio, "user/inventory/item/consume"), json=body, headers=headers)


def operation(player_id: UUID | str, *items: tuple[str, Any], **more: Any) -> dict[str, Any]:
    """An operation of a server call."""
    named = [{"sku": sku, "quantity": quantity} for sku, quantity in items]
    return {"user": {"id": str(player_id)}, "items": named, **more}


async def send(
    client: httpx.AsyncClient, studio: Studio, word: str, *operations: Mapping[str, Any], **options: Any
) -> httpx.Response:
    """A server call: reward, purchase, revoke or set."""
    return await client.post(path(studio, f"inventory/{word}"), json=list(operations), auth=studio.basic, **options)


def units(reply: httpx.Response) -> list[list[int]]:
    """How many of each item players then have, by operation."""
    assert reply.status_code == 200, reply.text
    return [[item["balance"] for item in one["items"]] for one in reply.json()["operations"]]


async def ledger_rows(studio: Studio, player_id: UUID) -> Sequence[tuple[str, str, int, str]]:
    """The rows of an account: kind, subject, change and detail."""
    async with studio.context.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT kind, subject, change, detail FROM ledger WHERE project_id = $1 AND player_id = $2 ORDER BY seq",
            studio.project_id,
            player_id,
        )
    return [tuple(row) for row in rows]


async def book(studio: Studio, player_id: UUID, *rows: LedgerRow) -> None:
    """Write into the books what a test has changed by hand, so that they stay true."""
    db = studio.context.database.session()
    async with db.begin():
        await write_ledger(
            db, project_id=studio.project_id, player_id=player_id, source="test", rows=rows, now=real_now()
        )


async def differences_of(studio: Studio) -> list[Difference]:
    """What of the project does not follow from its books."""
    return [each async for each in find_differences(studio.context.database, studio.project_id)]
