"""What may happen to an order, and what may be ordered. Pure: the time and what was found are parameters."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from haversack.catalog.read_model.records import Personal
from haversack.catalog.read_model.rules import is_before_release
from haversack.catalog.records import SELLABLE_KINDS, ItemKind, VirtualItemType
from haversack.catalog.selling import SellableItem, Shop
from haversack.errors import (
    GAME_NOT_IN_COUNTRY,
    ITEM_FREE_ORDER_ONLY,
    ITEM_IS_FREE,
    ITEM_KIND_NOT_SOLD,
    ITEM_NOT_FOUND,
    ITEM_NOT_FREE,
    ITEM_UNAVAILABLE,
    NON_CONSUMABLE_OWNED,
    PRICE_NOT_FOUND,
    USER_LIMIT_EXCEEDED,
    Fault,
    Refusal,
)
from haversack.inventory.records import CurrencyGrant, Granted, ItemGrant, KeyGrant
from haversack.inventory.rules import merged, unfold
from haversack.orders.records import NOTHING_RESERVED, LineDiscount, Order, OrderLine, OrderState
from haversack.payments.records import Payment
from haversack.pricing.records import Discount, PricedCart, PricedLine

ORDER_MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.NEW: frozenset({OrderState.PAID, OrderState.CANCELED, OrderState.EXPIRED}),
    # Done when the game has taken it; canceled when the money goes back.
    OrderState.PAID: frozenset({OrderState.DONE, OrderState.CANCELED}),
    OrderState.DONE: frozenset({OrderState.CANCELED}),
    # A payment that began in time may end later: the order lives again if what it held is still there.
    OrderState.EXPIRED: frozenset({OrderState.PAID}),
    OrderState.CANCELED: frozenset(),
}
# As long as the token that pays for it.
PAYABLE_FOR = timedelta(hours=24)
# Unpaid orders of one player that hold something others want. Nobody shops for more at once; a bot would.
HOLDING_ORDERS_MAX = 20
QUANTITY_MAX = 1_000_000
# Lines of an order, contents of bundles counted: bundles hold bundles, and numbers multiply.
LINES_MAX = 2_000
# How refusals name a line, before its SKU.
FAULTY_LINE = "items."
# What one line may give in all: balances and quantities are kept in 32 bits on the wire.
UNITS_MAX = 2**31 - 1


class Way(StrEnum):
    """How an order is to be paid."""

    MONEY = "money"
    VIRTUAL_CURRENCY = "virtual currency"
    FREE = "free"


class MoveNotAllowed(Exception):
    """An order cannot go from where it stands to where it was to go: a fault of ours, unless a race explains it."""


class OrderNotPayable(Exception):
    """A payment came for an order that cannot be fulfilled any more: the money has to go back. `reason` is fit to be
    shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def move(state: OrderState, to: OrderState) -> OrderState:
    """The state after a move, or MoveNotAllowed."""
    if to not in ORDER_MOVES[state]:
        raise MoveNotAllowed(f"an order that is {state} cannot become {to}")
    return to


def check_move(before: OrderState, after: OrderState) -> None:
    """MoveNotAllowed unless an order may come from one state to the other, at most by way of being paid."""
    by_way = ORDER_MOVES[OrderState.PAID] if OrderState.PAID in ORDER_MOVES[before] else frozenset()
    if after not in ORDER_MOVES[before] | by_way:
        raise MoveNotAllowed(f"an order that is {before} cannot become {after}")


def check_payable(order: Order, payment: Payment) -> None:
    """OrderNotPayable where a payment that has come in does not pay the order."""
    if OrderState.PAID not in ORDER_MOVES[order.state]:
        raise OrderNotPayable(f"The order is {order.state}.")
    if order.currency == payment.currency and payment.amount - payment.tax != order.amount:
        raise OrderNotPayable(f"The order costs {order.amount} {order.currency}, and something else was paid.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found of a wanted line: the item (None: there is none), whether the country and the time fit, whether it
    is offered to the player at all, and how much of it may be bought (None: as much as there is).

    is_in_chain: it is sold as a step of an offer chain, whether the store lists it or not.
    """

    sku: str
    quantity: int
    item: SellableItem | None
    is_sold_here: bool = True
    is_on_sale: bool = True
    is_offered: bool = True
    left: int | None = None
    is_in_chain: bool = False


def look_at(
    shop: Shop,
    item: SellableItem,
    quantity: int,
    *,
    country: str | None,
    personal: Personal,
    now: datetime,
    is_in_chain: bool = False,
) -> Looked:
    """What is found of so many of an item; personal: what the catalog is to who wants them."""
    return Looked(
        sku=item.sku,
        quantity=quantity,
        item=item,
        is_sold_here=shop.is_sold_in(item, country),
        is_on_sale=is_in_chain or shop.is_on_sale(item, now),
        is_in_chain=is_in_chain,
        is_offered=item.item_id not in personal.withheld,
        left=personal.left.get(item.item_id),
    )


def counts_against_limit(line: OrderLine) -> bool:
    """Whether a player's limit of its item counts a line: what is bought of itself and bonuses, not what is inside of
    something."""
    return line.parent_line_no is None


def find_fault(looked: Looked, *, project_id: int, country: str | None) -> Refusal | None:
    """Why a line cannot be ordered, as far as the catalog alone says; None where it can."""
    item = looked.item
    if item is None:
        return ITEM_NOT_FOUND(project_id=project_id, sku=looked.sku)
    if item.kind not in SELLABLE_KINDS:
        return ITEM_KIND_NOT_SOLD()
    if not (item.entry.is_enabled if looked.is_in_chain else item.is_listed):
        return ITEM_UNAVAILABLE(sku=item.sku, reason="it is not for sale")
    if not looked.is_sold_here:
        return GAME_NOT_IN_COUNTRY(sku=item.sku, country=country or "an unknown country")
    if not looked.is_on_sale:
        return ITEM_UNAVAILABLE(sku=item.sku, reason="it is not on sale at this time")
    if not looked.is_offered:
        return ITEM_UNAVAILABLE(sku=item.sku, reason="it is not offered to this player")
    if looked.left is not None and looked.quantity > looked.left:
        return USER_LIMIT_EXCEEDED(sku=item.sku)
    return None


def find_price_fault(line: PricedLine, priced: PricedCart, way: Way) -> Refusal | None:
    """Why a priced line cannot be paid in this way; None where it can.

    What costs nothing because of a discount is free too, but has a price: it goes through in either kind of order.
    """
    if line.line.is_bonus:
        return None
    sku = line.line.sku
    if way is Way.FREE:
        return None if line.line.is_free or line.amount == 0 else ITEM_NOT_FREE(sku=sku)
    if line.line.is_free:
        # All of it is free: there is a call for that. Beside things that cost money it has no place.
        return ITEM_FREE_ORDER_ONLY(sku=sku) if priced.is_free else ITEM_IS_FREE()
    return PRICE_NOT_FOUND() if line.amount is None else None


def refusal_of(faults: Sequence[tuple[str, Refusal]]) -> Refusal:
    """One refusal for all faulty lines, given with their SKUs: the first line's kind; the list names each of them."""
    first = faults[0][1]
    named = tuple(Fault(f"{FAULTY_LINE}{sku}", fault.message) for sku, fault in faults)
    return Refusal(first.kind, first.message, named)


def is_pre_order(item: SellableItem, now: datetime) -> bool:
    """Whether the item is sold before it is out."""
    return is_before_release(item.pre_order, now)


def freeze(
    priced: PricedCart, items: Sequence[SellableItem], *, now: datetime, discounts: Sequence[Discount] = ()
) -> tuple[OrderLine, ...]:
    """The lines of an order as they will stay: each priced line, after it what it contains, level by level.

    items: of each priced line; discounts: all that were taken off.
    """
    frozen: list[OrderLine] = []
    for line, item in zip(priced.lines, items, strict=True):
        top = _line(len(frozen) + 1, None, item, line.line.quantity, now=now, priced=line)
        frozen.append(replace(top, discounts=_discounts(line, discounts)) if discounts else top)
        _freeze_content(frozen, top.line_no, item, line.line.quantity, now=now)
    return tuple(frozen)


def _discounts(line: PricedLine, discounts: Sequence[Discount]) -> tuple[LineDiscount, ...]:
    """What was taken off a line: what was off its item before what is off the cart."""
    if line.unit_amount is None:
        return ()
    of_line = (each for each in discounts if each.item_ids is None or line.line.item_id in each.item_ids)
    return tuple(
        LineDiscount(promotion_id=each.promotion_id, percent=each.percent, is_of_cart=each.item_ids is None)
        for each in sorted(of_line, key=lambda each: (each.item_ids is None, each.promotion_id))
    )


def _freeze_content(
    frozen: list[OrderLine], parent_line_no: int, item: SellableItem, quantity: int, *, now: datetime
) -> None:
    for content in item.content:
        held = quantity * content.quantity
        if len(frozen) >= LINES_MAX or held > UNITS_MAX:
            raise ITEM_UNAVAILABLE(sku=item.sku, reason="so many of it are more than one order can hold")
        line = _line(len(frozen) + 1, parent_line_no, content.item, held, now=now, priced=None)
        frozen.append(line)
        _freeze_content(frozen, line.line_no, content.item, held, now=now)


def _line(
    line_no: int,
    parent_line_no: int | None,
    item: SellableItem,
    quantity: int,
    *,
    now: datetime,
    priced: PricedLine | None,
) -> OrderLine:
    given = next((each for each in unfold(item, 1, country=None) if isinstance(each, ItemGrant)), None)
    good = given if item.kind is ItemKind.VIRTUAL_GOOD else None
    return OrderLine(
        line_no=line_no,
        parent_line_no=parent_line_no,
        item_id=item.item_id,
        sku=item.sku,
        kind=item.kind,
        quantity=quantity,
        amount=None if priced is None else priced.amount,
        amount_without_discount=None if priced is None else priced.amount_without_discount,
        # What is contained costs nothing of itself, and is no gift either.
        is_free=priced is not None and (priced.line.is_free or priced.line.is_bonus),
        is_bonus=priced is not None and priced.line.is_bonus,
        name=item.name,
        description=item.description,
        image_url=item.image_url,
        custom_attributes=item.custom_attributes,
        is_pre_order=is_pre_order(item, now),
        promotion_ids=() if priced is None else priced.promotion_ids,
        reserved=NOTHING_RESERVED,
        virtual_item_type=None if good is None else good.virtual_item_type,
        usages_count=None if good is None else good.usages_count,
        expiration=None if good is None else good.expiration,
        pre_order=item.pre_order,
        # What is contained or given on top is not bought.
        value_points=() if priced is None or priced.line.is_bonus else item.value_points,
    )


def granted_of(order: Order) -> tuple[Granted, ...]:
    """What an order gives, as it was frozen: the same as `inventory.rules.unfold` says of its items at that time."""
    return granted_by(order.lines, country=order.country)


def granted_by(lines: Sequence[OrderLine], *, country: str | None) -> tuple[Granted, ...]:
    """What lines give; country: where codes must be valid."""
    return merged([given for line in lines if (given := _granted(line, country)) is not None])


def _granted(line: OrderLine, country: str | None) -> Granted | None:
    match line.kind:
        case ItemKind.VIRTUAL_CURRENCY:
            return CurrencyGrant(line.sku, line.quantity)
        case ItemKind.VIRTUAL_GOOD:
            assert line.virtual_item_type is not None, "a virtual good is frozen with its type"
            return ItemGrant(
                line.item_id, line.sku, line.quantity, line.virtual_item_type, line.usages_count, line.expiration
            )
        case ItemKind.GAME_KEY:
            return KeyGrant(line.item_id, line.sku, line.quantity, country, line.pre_order, line.is_bonus)
        case _:
            return None


def value_points_of(order: Order) -> dict[int, int]:
    """How many of each value point come with an order: of the lines that cost real money."""
    return value_points_by(order.lines)


def value_points_by(lines: Sequence[OrderLine]) -> dict[int, int]:
    """How many of each value point come with lines."""
    totals: dict[int, int] = {}
    for line in lines:
        for reward in line.value_points if line.amount else ():
            totals[reward.value_point_id] = totals.get(reward.value_point_id, 0) + reward.amount * line.quantity
    return totals


def owned_once(lines: Sequence[OrderLine]) -> dict[int, tuple[str, int]]:
    """What can be owned once only among the lines: (SKU, how many of it are ordered) by item id."""
    found: dict[int, tuple[str, int]] = {}
    for line in lines:
        if line.virtual_item_type is VirtualItemType.NON_CONSUMABLE:
            found[line.item_id] = (line.sku, found.get(line.item_id, ("", 0))[1] + line.quantity)
    return found


def owned_faults(lines: Sequence[OrderLine], owned: Collection[int]) -> list[tuple[str, Refusal]]:
    """What can be owned once only and is ordered more often, or is owned already."""
    return [
        (sku, NON_CONSUMABLE_OWNED(sku=sku))
        for item_id, (sku, quantity) in owned_once(lines).items()
        if quantity > 1 or item_id in owned
    ]


def check_fits_backpack(order: Order, *, most: int) -> None:
    """Refuse an order that would be too many things in the Backpack, where each lies by itself."""
    count = sum(1 if isinstance(given, CurrencyGrant) else given.quantity for given in granted_of(order))
    if count > most:
        raise ITEM_UNAVAILABLE(sku=order.lines[0].sku, reason=f"a Backpack order holds {most} things at most")


def without_owned_bonuses(lines: Sequence[OrderLine], owned: Collection[int]) -> tuple[OrderLine, ...]:
    """The lines without the bonuses that can be owned once only and are owned already: they keep nobody from buying."""
    once = VirtualItemType.NON_CONSUMABLE
    return tuple(
        line
        for line in lines
        if not (line.is_bonus and line.parent_line_no is None and line.virtual_item_type is once)
        or line.item_id not in owned
    )


def with_codes_owed(lines: Sequence[OrderLine], *, now: datetime) -> tuple[OrderLine, ...]:
    """The lines of an order that is paid now: keys that are not out yet are owed their codes."""
    return tuple(
        replace(line, codes_owed=line.quantity)
        if line.kind is ItemKind.GAME_KEY and is_before_release(line.pre_order, now)
        else line
        for line in lines
    )


def bought(order: Order) -> list[tuple[int, int]]:
    """What an order takes out of its cart: item ids and quantities, each item once."""
    totals: dict[int, int] = {}
    for line in order.lines:
        if line.parent_line_no is None and not line.is_bonus:
            totals[line.item_id] = totals.get(line.item_id, 0) + line.quantity
    return list(totals.items())


def codes_used(order: Order) -> tuple[str, ...]:
    """The codes that opened promotions of an order."""
    return tuple(each.code for each in order.promotions if each.code is not None)


def holds_limited(order: Order) -> frozenset[int]:
    """The items of which an order holds something that there is only so much of."""
    return frozenset(line.item_id for line in order.lines if not line.reserved.is_nothing)
