"""Amounts: ISO 4217 currencies and their exponents, decimals on the wire."""

from decimal import Decimal
from functools import cache
from typing import Annotated

from iso4217 import Currency
from pydantic import AfterValidator, PlainSerializer

AMOUNT_MAX = Decimal("1000000000000")


@cache
def exponent(currency: str) -> int | None:
    """The decimals that a currency has (JPY 0, USD 2, KWD 3); None where ISO 4217 knows no such currency."""
    try:
        return Currency(currency).exponent
    except ValueError:
        return None


def has_too_many_decimals(amount: Decimal, currency: str) -> bool:
    """Whether an amount is finer than its currency can be."""
    known = exponent(currency)
    return known is not None and amount != amount.quantize(Decimal(1).scaleb(-known))


def _known_currency(value: str) -> str:
    if exponent(value) is None:
        raise ValueError("must be a currency of ISO 4217, such as USD")
    return value


CurrencyCode = Annotated[str, AfterValidator(_known_currency)]

# Some calls of the wire give amounts as JSON numbers. Amounts are bounded to 15 digits, which a JSON number holds
# exactly; arithmetic never sees the number, only the Decimal.
NumberOnWire = Annotated[Decimal, PlainSerializer(lambda amount: number_on_wire(amount), return_type=float)]


def number_on_wire(amount: Decimal) -> float:
    """An amount as a JSON number."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
