"""The one function that prices: lines and discounts in, what each line costs and why out. Pure.

Every line is rounded once, half up, at its currency's exponent, after all its discounts have been multiplied; the sum
of the rounded lines is the total. Catalog, cart, order and webhook price by this function, so that they agree.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from haversack.money import exponent
from haversack.pricing.records import Discount, Line, PricedCart, PricedLine, Reason, Step

NOTHING = Decimal(0)
# More digits than an amount (15), a quantity (7) and twenty discounts of two decimals (7 each) can need: until the line
# is rounded, nothing is, and the order of the discounts cannot matter.
EXACT = Context(prec=200, rounding=ROUND_HALF_UP)


def rounded(amount: Decimal, currency: str, *, is_virtual: bool = False) -> Decimal:
    """The amount at the currency's exponent, half up. Virtual currencies have whole units, whatever their SKU is."""
    return amount.quantize(_unit(currency, is_virtual=is_virtual), context=EXACT)


@lru_cache(maxsize=1_000)
def _unit(currency: str, *, is_virtual: bool) -> Decimal:
    """The least amount of a currency."""
    return Decimal(1).scaleb(0 if is_virtual else -(exponent(currency) or 0))


def price_cart(
    lines: Sequence[Line], *, currency: str | None, discounts: Sequence[Discount] = (), is_virtual: bool = False
) -> PricedCart:
    """Price lines in one currency: ISO 4217, or with `is_virtual` the SKU of a virtual one.

    Free lines and bonuses cost nothing; a line without a price stays without, and the sums leave it out.
    """
    priced = tuple(_priced(line, currency, discounts, is_virtual=is_virtual) for line in lines)
    amounts = [line.amount for line in priced if line.amount is not None]
    before = [line.amount_without_discount for line in priced if line.amount_without_discount is not None]
    if currency is None or not amounts:
        return PricedCart(lines=priced, currency=None, amount=None, amount_without_discount=None)
    return PricedCart(
        lines=priced,
        currency=currency,
        amount=sum(amounts, NOTHING),
        amount_without_discount=sum(before, NOTHING),
    )


def _priced(line: Line, currency: str | None, discounts: Sequence[Discount], *, is_virtual: bool) -> PricedLine:
    assert line.quantity >= 0, "nobody buys less than nothing"
    if line.costs_nothing or line.unit_amount is None or currency is None:
        return PricedLine(line=line, currency=currency, amount=None, amount_without_discount=None)
    assert line.unit_amount >= 0, "prices are not negative"
    full = _full_amount(line.unit_amount, line.quantity, currency, is_virtual=is_virtual)
    applied = tuple(each for each in discounts if each.item_ids is None or line.item_id in each.item_ids)
    if not applied:
        return PricedLine(
            line=line,
            currency=currency,
            amount=full,
            amount_without_discount=full,
            unit_amount=line.unit_amount,
            is_virtual=is_virtual,
        )
    unit = line.unit_amount
    for discount in applied:
        unit = EXACT.multiply(unit, discount.factor)
    return PricedLine(
        line=line,
        currency=currency,
        amount=rounded(EXACT.multiply(unit, Decimal(line.quantity)), currency, is_virtual=is_virtual),
        amount_without_discount=full,
        unit_amount=unit,
        discounts=applied,
        is_virtual=is_virtual,
    )


@lru_cache(maxsize=20_000)
def _full_amount(unit_amount: Decimal, quantity: int, currency: str, *, is_virtual: bool) -> Decimal:
    """What so many cost before discounts: carts ask for the same ones again and again."""
    return rounded(EXACT.multiply(unit_amount, Decimal(quantity)), currency, is_virtual=is_virtual)


def reasons_of(priced: PricedLine) -> tuple[Reason, ...]:
    """Why a line costs what it does, step by step."""
    line, currency = priced.line, priced.currency
    if line.costs_nothing:
        text = "It is a bonus of a promotion." if line.is_bonus else "The item is free."
        return (Reason(Step.FREE, text, None),)
    if line.unit_amount is None or currency is None:
        text = "The item has no price here." if currency is None else f"The item has no price in {currency}."
        return (Reason(Step.NO_PRICE, text, None),)
    amount = EXACT.multiply(line.unit_amount, Decimal(line.quantity))
    reasons = [Reason(Step.LIST_PRICE, f"{line.quantity} x {line.unit_amount} {currency}", amount)]
    for discount in priced.discounts:
        amount = EXACT.multiply(amount, discount.factor)
        step = Step.CART_DISCOUNT if discount.item_ids is None else Step.ITEM_DISCOUNT
        reasons.append(Reason(step, f"{discount.name}: {discount.percent} % off", amount))
    if priced.amount is not None and priced.amount != amount:
        decimals = "whole units" if priced.is_virtual else f"the decimals of {currency}"
        reasons.append(Reason(Step.ROUNDING, f"half up to {decimals}", priced.amount))
    return tuple(reasons)
