"""Makes orders of every kind, pays them as a payment does, and reads what became of everything."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import bindparam, select

from haversack.catalog.records import ItemKind, VirtualItemType
from haversack.catalog.tables import items
from haversack.inventory.actions import CurrencyGrant, grant
from haversack.inventory.tables import balances, ledger, owned_items
from haversack.limits.queries import list_stocks
from haversack.limits.records import Stock
from haversack.login.identities import PlayerIdentity
from haversack.orders import actions, queries, rules
from haversack.orders.checkout import order_for_money
from haversack.orders.preparing import Checkout, Wanted
from haversack.orders.records import CurrencyType, Order, OrderLine, OrderState
from haversack.payments.records import Payment, PaymentState, Refund
from haversack.projects.directory import PROJECTS_CHANGED
from haversack.projects.queries import find_project, save_settings
from haversack.projects.records import OrderDestination, Project
from make import catalog
from make.client_catalog import sell
from make.projects import Studio

LIST_LEDGER = (
    select(ledger.c.kind, ledger.c.subject, ledger.c.change, ledger.c.detail, ledger.c.source)
    .where(ledger.c.project_id == bindparam("project"), ledger.c.player_id == bindparam("player"))
    .order_by(ledger.c.seq)
)
FIND_BALANCE = select(balances.c.amount).where(
    balances.c.project_id == bindparam("project"),
    balances.c.player_id == bindparam("player"),
    balances.c.sku == bindparam("of_sku"),
)
FIND_OWNED = select(owned_items.c.quantity).where(
    owned_items.c.project_id == bindparam("project"),
    owned_items.c.player_id == bindparam("player"),
    owned_items.c.item_id == bindparam("item"),
)
FIND_ID = select(items.c.item_id).where(items.c.project_id == bindparam("project"), items.c.sku == bindparam("of_sku"))

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)

# Numbers of payments that no other test uses.
_payment_ids = count(500_000_001)


@dataclass(slots=True)
class Buyer:
    """A player of a studio, with what opens the shop."""

    studio: Studio
    player_id: UUID
    headers: dict[str, str]

    @property
    def identity(self) -> PlayerIdentity:
        """The player as a call knows it."""
        return self.identity_of(self.studio.login_project_id, self.player_id)

    @staticmethod
    def identity_of(login_project_id: UUID, player_id: UUID) -> PlayerIdentity:
        """Any player as a call knows it."""
        return PlayerIdentity(
            login_project_id=login_project_id,
            player_id=player_id,
            expires_at=datetime(9999, 1, 1, tzinfo=UTC),
            external_id=str(player_id),
        )


async def make_buyer(studio: Studio) -> Buyer:
    """A fresh player."""
    player_id = uuid4()
    return Buyer(studio, player_id, await studio.player_headers(player_id))


async def project_of(studio: Studio) -> Project:
    """The studio's project as it is now."""
    found = await find_project(studio.context.database.session(), studio.project_id)
    assert found is not None
    return found


async def change_project(studio: Studio, **settings: Any) -> Project:
    """Set how the studio's project treats orders."""
    await save_settings(studio.context.database.session(), studio.project_id, **settings)
    studio.context.notifications.publish_locally(PROJECTS_CHANGED)
    return await project_of(studio)


async def fund(buyer: Buyer, sku: str, amount: int) -> None:
    """Give a player an amount of a currency."""
    db = buyer.studio.context.database.session()
    async with db.begin():
        assert await grant(
            db,
            project_id=buyer.studio.project_id,
            player_id=buyer.player_id,
            source=f"test:{uuid4()}",
            content=[CurrencyGrant(sku, amount)],
            now=datetime.now(UTC),
        )


async def sell_for(
    client: httpx.AsyncClient, studio: Studio, amount: int = 100, *, currency: str | None = None, **changes: Any
) -> tuple[str, str]:
    """Put a consumable on sale for a virtual currency: the SKUs of both."""
    if currency is None:
        currency = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    body = catalog.virtual_item(
        prices=[],
        vc_prices=[{"sku": currency, "amount": amount, "is_default": True, "is_enabled": True}],
        **{"inventory_options": {"consumable": {"usages_count": 1}}, **changes},
    )
    return await sell(client, studio, body), currency


async def sell_free(client: httpx.AsyncClient, studio: Studio, **changes: Any) -> str:
    """Put a free item on sale."""
    body = catalog.virtual_item(
        prices=[], is_free=True, **{"inventory_options": {"consumable": {"usages_count": 1}}, **changes}
    )
    return await sell(client, studio, body)


async def sell_for_money(client: httpx.AsyncClient, studio: Studio, amount: Any = 9.99, **changes: Any) -> str:
    """Put a consumable on sale for dollars."""
    body = catalog.virtual_item(
        prices=[catalog.price(amount)],
        **{"inventory_options": {"consumable": {"usages_count": 1}}, **changes},
    )
    return await sell(client, studio, body)


async def buy(client: httpx.AsyncClient, buyer: Buyer, sku: str, currency: str, **options: Any) -> httpx.Response:
    """Buy one of an item for a virtual currency."""
    path = f"/api/v2/project/{buyer.studio.project_id}/payment/item/{sku}/virtual/{currency}"
    return await client.post(path, **{"headers": buyer.headers, **options})


async def take_free(client: httpx.AsyncClient, buyer: Buyer, sku: str, **body: Any) -> httpx.Response:
    """Order a free item."""
    path = f"/api/v2/project/{buyer.studio.project_id}/free/item/{sku}"
    return await client.post(path, json=body, headers=buyer.headers)


async def fill(client: httpx.AsyncClient, buyer: Buyer, *skus: str, cart_id: str | None = None) -> None:
    """Put one of each item into a cart of the player."""
    path = f"/api/v2/project/{buyer.studio.project_id}/cart/{cart_id + '/' if cart_id else ''}fill"
    body = {"items": [{"sku": sku, "quantity": 1} for sku in skus]}
    reply = await client.put(path, json=body, headers=buyer.headers)
    assert reply.status_code == 200, reply.text


async def read_order(client: httpx.AsyncClient, buyer: Buyer, order_id: int) -> dict[str, Any]:
    """What the player sees of an order."""
    path = f"/api/v2/project/{buyer.studio.project_id}/order/{order_id}"
    reply = await client.get(path, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def order_money(buyer: Buyer, *wanted: tuple[str, int] | str, **options: Any) -> Order:
    """An unpaid order for real money."""
    checkout = Checkout(
        project=await project_of(buyer.studio),
        player=buyer.identity,
        wanted=[Wanted(each, 1) if isinstance(each, str) else Wanted(*each) for each in wanted],
        **{"country": "US", "currency": "USD", **options},
    )
    context = buyer.studio.context
    return await order_for_money(context, context.database.session(), checkout)


def payment_of(order: Order, **changes: Any) -> Payment:
    """A payment of an order as it has come in."""
    assert order.amount is not None
    assert order.currency is not None
    tax = changes.pop("tax", Decimal(0))
    about: dict[str, Any] = {
        "project_id": order.project_id,
        "payment_id": next(_payment_ids),
        "order_id": order.order_id,
        "token_hash": None,
        "player_id": order.player_id,
        "external_id": order.external_id,
        "is_sandbox": order.is_sandbox,
        "provider": "sandbox",
        "provider_reference": None,
        "state": PaymentState.DONE,
        "method": "card",
        "currency": order.currency,
        "amount": order.amount + tax,
        "tax": tax,
        "tax_percent": Decimal(0),
        "tax_name": "sales_tax",
        "refunded": Decimal(0),
        "country": order.country,
        "email": order.email,
        "zip": None,
        "card_brand": None,
        "card_suffix": None,
        "failure": None,
        "created_at": order.created_at,
        "changed_at": order.created_at,
        "paid_at": order.created_at,
    }
    return Payment(**{**about, **changes})


def refund_of(payment: Payment, **changes: Any) -> Refund:
    """The refund of a whole payment."""
    about: dict[str, Any] = {
        "refund_id": 1,
        "payment_id": payment.payment_id,
        "amount": payment.amount,
        "code": 1,
        "reason": "asked for",
        "author": "studio",
        "is_partial": False,
        "created_at": payment.created_at,
    }
    return Refund(**{**about, **changes})


async def pay(studio: Studio, order: Order, payment: Payment | None = None) -> Order:
    """Count an order as paid."""
    project, db = await project_of(studio), studio.context.database.session()
    async with db.begin():
        return await actions.pay_order(
            db, studio.context, project, order.order_id, payment or payment_of(order), now=project.clock.now()
        )


async def cancel(studio: Studio, order: Order) -> Order:
    """Cancel an unpaid order."""
    project, db = await project_of(studio), studio.context.database.session()
    async with db.begin():
        return await actions.cancel_order(db, project, order.order_id, reason="given up", now=project.clock.now())


async def refund(studio: Studio, order: Order, payment: Payment) -> Order:
    """Give the money of an order back."""
    project, db = await project_of(studio), studio.context.database.session()
    async with db.begin():
        return await actions.refund_order(
            db, studio.context, project, order.order_id, payment, refund_of(payment), now=project.clock.now()
        )


async def stored(studio: Studio, order_id: int) -> Order:
    """An order as it is stored."""
    found = await queries.find_order(studio.context.database.session(), studio.project_id, order_id)
    assert found is not None
    return found


async def state_of(studio: Studio, order: Order) -> OrderState:
    """Where an order stands."""
    return (await stored(studio, order.order_id)).state


async def balance_of(buyer: Buyer, sku: str) -> int:
    """How much of a currency a player has."""
    db = buyer.studio.context.database.session()
    found = await db.fetch_value(FIND_BALANCE, project=buyer.studio.project_id, player=buyer.player_id, of_sku=sku)
    return int(found or 0)


async def item_id_of(studio: Studio, sku: str) -> int:
    """The number of an item."""
    found: int = await studio.context.database.session().fetch_value(FIND_ID, project=studio.project_id, of_sku=sku)
    return found


async def owned_of(buyer: Buyer, sku: str) -> int:
    """How many of an item a player has."""
    db = buyer.studio.context.database.session()
    item_id = await item_id_of(buyer.studio, sku)
    found = await db.fetch_value(FIND_OWNED, project=buyer.studio.project_id, player=buyer.player_id, item=item_id)
    return int(found or 0)


async def ledger_of(buyer: Buyer) -> list[tuple[str, str, int, str]]:
    """A player's rows in the ledger: kind, subject, change, detail."""
    rows = await buyer.studio.context.database.session().fetch_all(
        LIST_LEDGER, project=buyer.studio.project_id, player=buyer.player_id
    )
    return [(row["kind"], row["subject"], row["change"], row["detail"]) for row in rows]


async def stock_of(studio: Studio, sku: str) -> Stock:
    """What is left of a limited item."""
    item_id = await item_id_of(studio, sku)
    return (await list_stocks(studio.context.database.session(), studio.project_id, [item_id]))[item_id]


def later(order: Order, **by: float) -> datetime:
    """A moment after an order was made."""
    return order.created_at + timedelta(**by)


def line(number: int = 1, **changes: object) -> OrderLine:
    """A line of a lamp."""
    about = OrderLine(
        line_no=number,
        item_id=100_000 + number,
        sku=f"lamp-{number}",
        kind=ItemKind.VIRTUAL_GOOD,
        quantity=2,
        amount=Decimal("9.98"),
        amount_without_discount=Decimal("9.98"),
        is_free=False,
        name={"en": "Lamp"},
        description=None,
        image_url=None,
        virtual_item_type=VirtualItemType.CONSUMABLE,
    )
    return replace(about, **changes)  # type: ignore[arg-type]


def order(*lines: OrderLine, **changes: object) -> Order:
    """An unpaid order of lines, a lamp's by default."""
    about = Order(
        project_id=44001,
        order_id=1_000_001,
        player_id=UUID(int=5),
        external_id="player-5",
        is_guest=False,
        state=OrderState.NEW,
        is_sandbox=False,
        currency_type=CurrencyType.REAL,
        currency="USD",
        amount=Decimal("9.98"),
        amount_without_discount=Decimal("9.98"),
        country="US",
        email="lea@example.com",
        locale="en",
        platform=None,
        destination=OrderDestination.INVENTORY,
        cart_id=None,
        custom_parameters=None,
        payment_id=None,
        comment=None,
        created_at=NOW,
        expires_at=NOW + rules.PAYABLE_FOR,
        paid_at=None,
        ended_at=None,
        delivery_id=None,
        lines=lines or (line(),),
    )
    return replace(about, **changes)  # type: ignore[arg-type]
