"""Makes orders with tokens by the API, pays them with test cards, and reads what became of payments."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import orjson

from haversack.clock import Clock
from haversack.context import Context
from haversack.payments import paying
from haversack.payments.paying import Outcome, Session
from haversack.payments.queries.payments import find_payment, list_payments
from haversack.payments.queries.taking import save_tax
from haversack.payments.records import CardDetails, Payment, TaxRate
from haversack.projects.actions import set_clock
from make.orders import Buyer, project_of, sell_for_money
from make.projects import Studio

SUCCESS = "4111111111111111"
CHALLENGED = "4111111111111152"
CHALLENGED_BY_MPI = "4423610000000007"
DECLINED = "4000000000000002"
LATE = "4000000000003006"
TWICE = "4000000000003014"
NEVER = "4000000000003022"
LOST_ANSWER = "4000000000003030"
NO_REFUND = "4000000000003048"

LIST_EVENTS = """
SELECT body FROM webhook_events WHERE project_id = $1 AND event_type = ANY($2) ORDER BY created_at, event_id
"""
# As if nobody had worked on any payment of the project for a minute.
LEAVE_ALONE = "UPDATE payments SET changed_at = changed_at - interval '60 s' WHERE project_id = $1"


@dataclass(slots=True)
class Purchase:
    """An order with its token, as the API gave them."""

    studio: Studio
    buyer: Buyer
    sku: str
    order_id: int
    token: str

    async def open(self) -> Session:
        """The purchase as the page opens it."""
        return await paying.open_session(self.studio.context, self.token)

    async def pay(self, number: str = SUCCESS, **options: Any) -> Outcome:
        """Pay with a test card."""
        return await pay_by(self.studio.context, await self.open(), number, **options)

    async def payment(self) -> Payment:
        """The payment that counts."""
        return await payment_of(self.studio.context, await self.open())


def card(number: str = SUCCESS, **changes: Any) -> CardDetails:
    """A test card as it is typed."""
    return CardDetails(**{"number": number, "expiry_month": 12, "expiry_year": 2040, "cvv": "123", **changes})


async def pay_by(context: Context, session: Session, number: str = SUCCESS, **options: Any) -> Outcome:
    """Pay an opened purchase with a test card."""
    given: dict[str, Any] = {"email": None, "save": False, "client_ip": "203.0.113.7", **options}
    return await paying.pay_by_card(context, session, card(number), **given)


async def payment_of(context: Context, session: Session) -> Payment:
    """The payment of a purchase that counts."""
    return (await list_payments(context.database.session(), session.token))[0]


async def payment_with(studio: Studio, payment_id: int) -> Payment:
    """A payment as it is stored."""
    found = await find_payment(studio.context.database.session(), studio.project_id, payment_id)
    assert found is not None
    return found


def payment_path(studio: Studio, rest: str) -> str:
    """Where players order for money."""
    return f"/api/v2/project/{studio.project_id}/payment{rest}"


async def order_item(client: httpx.AsyncClient, buyer: Buyer, sku: str, **body: Any) -> httpx.Response:
    """Order an item for money, in the sandbox."""
    path = payment_path(buyer.studio, f"/item/{sku}")
    return await client.post(path, json={"sandbox": True, **body}, headers=buyer.headers)


async def make_payable(client: httpx.AsyncClient, buyer: Buyer, *, amount: Any = 9.99, **body: Any) -> Purchase:
    """An unpaid order of an item, with its token."""
    sku = await sell_for_money(client, buyer.studio, amount)
    reply = await order_item(client, buyer, sku, **body)
    assert reply.status_code == 200, reply.text
    given = reply.json()
    return Purchase(buyer.studio, buyer, sku, given["order_id"], given["token"])


async def leave_alone(studio: Studio) -> None:
    """Let the sweep think that who worked on the project's payments has died."""
    async with studio.context.database.connection() as connection:
        await connection.execute(LEAVE_ALONE, studio.project_id)


async def move_clock(studio: Studio, by: timedelta) -> None:
    """Move the project's clock on."""
    project = await project_of(studio)
    await set_clock(studio.context, studio.project_id, Clock(offset=project.clock.offset + by))


async def refund(
    client: httpx.AsyncClient, studio: Studio, payment_id: int, amount: Any = None, **body: Any
) -> httpx.Response:
    """Refund a payment by the merchant API; a part of it where an amount is given."""
    path = f"/merchant/v2/merchants/{studio.merchant_id}/reports/transactions/{payment_id}"
    body = {"description": "the player asked for it", **body}
    if amount is None:
        return await client.put(f"{path}/refund", json=body, auth=studio.basic)
    return await client.put(f"{path}/partial_refund", json={**body, "refund_amount": amount}, auth=studio.basic)


async def told_of(studio: Studio, *event_types: str) -> list[dict[str, Any]]:
    """The bodies of the events of some kinds that the project's game is told."""
    async with studio.context.database.connection() as connection:
        rows = await connection.fetch(LIST_EVENTS, studio.project_id, list(event_types))
    return [orjson.loads(row["body"]) for row in rows]


async def set_tax(studio: Studio, country: str, percent: str, name: str = "sales_tax") -> None:
    """Let players of a country pay a tax."""
    rate = TaxRate(country=country, name=name, percent=Decimal(percent))
    await save_tax(studio.context.database.session(), studio.project_id, rate)
