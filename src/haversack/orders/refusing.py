"""Refuses orders with every rule of the catalog that stands in the way.

What is said is what a trace of the item says, as far as players may know it.
"""

from collections.abc import Sequence

from haversack.carts.looking import Onlooker, eyes_of
from haversack.catalog.selling import open_shop
from haversack.context import Context
from haversack.database.engine import Session
from haversack.errors import Fault, Refusal
from haversack.explain.item_findings import hindrances
from haversack.orders.preparing import Checkout, find_buyer
from haversack.orders.rules import FAULTY_LINE


async def told_why(
    context: Context, db: Session, checkout: Checkout, refusal: Refusal, *, is_for_money: bool
) -> Refusal:
    """The same refusal with what stands in the way of each of its faulty lines. Of what is not offered to the player,
    and of what is not listed, nothing more is told."""
    skus = [fault.property.removeprefix(FAULTY_LINE) for fault in refusal.faults if _is_of_line(fault)]
    if not skus or checkout.chain_step is not None:
        return refusal
    eyes = await _eyes(context, db, checkout, skus)
    reasons = [reason for sku in skus for reason in _reasons(sku, checkout, eyes, is_for_money=is_for_money)]
    faults = (*refusal.faults, *reasons)
    return Refusal(refusal.kind, refusal.message, faults, refusal.retry_after, refusal.extended)


def _is_of_line(fault: Fault) -> bool:
    return fault.property.startswith(FAULTY_LINE)


async def _eyes(context: Context, db: Session, checkout: Checkout, skus: Sequence[str]) -> Onlooker:
    """The one who was refused. What they have used of limits is read where one of the items has some."""
    shop, now = await open_shop(context.catalogs, checkout.project.project_id), checkout.now
    limits = [item.limits for item in map(shop.find_by_sku, skus) if item is not None and item.limits is not None]
    with_uses = any(each.per_user is not None for each in limits)
    buyer = await find_buyer(context, db, shop, checkout, now, with_uses=with_uses)
    return eyes_of(
        shop,
        buyer.personal,
        buyer.situation,
        country=checkout.country,
        currency=checkout.currency,
        language=checkout.locale,
        now=now,
    )


def _reasons(sku: str, checkout: Checkout, eyes: Onlooker, *, is_for_money: bool) -> list[Fault]:
    item = eyes.shop.find_by_sku(sku)
    if item is None or not item.is_listed or item.item_id in eyes.filler.personal.withheld:
        return []
    quantity = max((wanted.quantity for wanted in checkout.wanted if wanted.sku == sku), default=1)
    found = hindrances(item, quantity, eyes, is_for_money=is_for_money)
    return [Fault(f"{FAULTY_LINE}{sku}.{finding.topic.value}", finding.why) for finding in found]
