"""The one function that prices: lines and discounts in, what each line costs and why out. Pure.

Every line is rounded once, half up, at its currency's exponent, after all its discounts have been multiplied; the sum
of the rounded lines is the total. Catalog, cart, order and webhook price by this function, so that they agree.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from haversack.money import exponent
from haversack.pricing.records import Discount, Line, PricedCart, PricedLine, Reason, Step

HUNDRED = Decimal(100)
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
    if line.costs_nothing:
        return _unpriced(line, Step.FREE, "It is a bonus of a promotion." if line.is_bonus else "The item is free.")
    if line.unit_amount is None or currency is None:
        return _unpriced(
            line,
            Step.NO_PRICE,
            "The item has no price here." if currency is None else f"The item has no price in {currency}.",
        )
    assert line.unit_amount >= 0, "prices are not negative"
    unit = line.unit_amount
    full = amount = EXACT.multiply(unit, Decimal(line.quantity))
    reasons = [Reason(Step.LIST_PRICE, f"{line.quantity} x {line.unit_amount} {currency}", full)]
    applied = []
    for discount in discounts:
        if discount.item_ids is not None and line.item_id not in discount.item_ids:
            continue
        unit = EXACT.divide(EXACT.multiply(unit, HUNDRED - discount.percent), HUNDRED)
        amount = EXACT.multiply(unit, Decimal(line.quantity))
        step = Step.CART_DISCOUNT if discount.item_ids is None else Step.ITEM_DISCOUNT
        reasons.append(Reason(step, f"{discount.name}: {discount.percent} % off", amount))
        applied.append(discount.promotion_id)
    final = rounded(amount, currency, is_virtual=is_virtual)
    if final != amount:
        decimals = "whole units" if is_virtual else f"the decimals of {currency}"
        reasons.append(Reason(Step.ROUNDING, f"half up to {decimals}", final))
    return PricedLine(
        line=line,
        currency=currency,
        amount=final,
        amount_without_discount=rounded(full, currency, is_virtual=is_virtual) if applied else final,
        unit_amount=unit,
        promotion_ids=tuple(applied),
        reasons=tuple(reasons),
    )


def _unpriced(line: Line, step: Step, text: str) -> PricedLine:
    reasons = (Reason(step, text, None),)
    return PricedLine(
        line=line, amount=None, amount_without_discount=None, promotion_ids=line.given_by, reasons=reasons
    )
