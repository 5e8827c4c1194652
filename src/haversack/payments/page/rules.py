"""What is wrong with a card form, field by field, before any payment provider hears of it."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Brand(StrEnum):
    """Whose card it is, as far as its first digits tell."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"
    DISCOVER = "discover"
    DINERS = "diners"
    JCB = "jcb"
    UNIONPAY = "unionpay"
    MAESTRO = "maestro"
    MIR = "mir"
    UNKNOWN = "unknown"


# The first that fits wins. static/pay.js has the same list, to show the brand while the number is typed.
_BRANDS: tuple[tuple[Brand, re.Pattern[str]], ...] = (
    (Brand.MIR, re.compile(r"220[0-4]")),
    (Brand.AMEX, re.compile(r"3[47]")),
    (Brand.DINERS, re.compile(r"3(?:0[0-5]|095|6|[89])")),
    (Brand.JCB, re.compile(r"35(?:2[89]|[3-8])")),
    (Brand.VISA, re.compile(r"4")),
    (Brand.MASTERCARD, re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720")),
    (Brand.DISCOVER, re.compile(r"6011|64[4-9]|65")),
    (Brand.UNIONPAY, re.compile(r"62|81")),
    (Brand.MAESTRO, re.compile(r"50|5[6-9]|6")),
)
NUMBER_DIGITS = range(12, 20)
YEARS_AHEAD_MAX = 25
ZIP_COUNTRIES = frozenset({"US", "CA"})
_ZIPS = {
    "US": re.compile(r"\d{5}(?:-?\d{4})?"),
    "CA": re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d", re.IGNORECASE),
}
# Of a US-issued card whose player is elsewhere: the holder may have moved, so either form does.
_ANY_ZIP = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{2,9}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]{2,}")
EMAIL_LENGTH_MAX = 255


class Problem(StrEnum):
    """What is wrong with a field; `words.PROBLEMS` says it to the player."""

    NUMBER_MISSING = "number_missing"
    NUMBER_WRONG = "number_wrong"
    EXPIRY_MISSING = "expiry_missing"
    EXPIRY_WRONG = "expiry_wrong"
    EXPIRY_PAST = "expiry_past"
    CVV_MISSING = "cvv_missing"
    CVV_WRONG = "cvv_wrong"
    ZIP_MISSING = "zip_missing"
    ZIP_WRONG = "zip_wrong"
    EMAIL_WRONG = "email_wrong"
    METHOD_MISSING = "method_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFields:
    """What was typed. Its number and code are in memory for one request, and in no `repr`."""

    number: str = field(default="", repr=False)
    expiry: str = field(default="", repr=False)
    cvv: str = field(default="", repr=False)
    zip: str = ""
    email: str = ""


def digits_of(number: str) -> str:
    """A card number or code without spaces and dashes, in plain digits where the keyboard has others.

    Other characters stay and make it wrong.
    """
    return re.sub(r"\d", lambda digit: str(int(digit[0])), re.sub(r"[\s\u00a0-]", "", number))


def brand_of(number: str) -> Brand:
    """The brand that a number, or its beginning, belongs to."""
    digits = digits_of(number)
    return next((brand for brand, start in _BRANDS if start.match(digits)), Brand.UNKNOWN)


def passes_luhn(digits: str) -> bool:
    """Whether the last digit checks the others: what a mistyped number almost never does."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def expiry_of(text: str) -> tuple[int, int] | None:
    """Month and four-digit year of `12/40`, `12 / 2040`, `1240`, `2040-12`; None for what is no such date."""
    digits = re.findall(r"\d+", text)
    if len(digits) == 1 and len(digits[0]) in (4, 6):
        digits = [digits[0][:2], digits[0][2:]]
    if len(digits) != 2:
        return None
    first, second = digits
    month, year = (second, first) if len(first) == 4 else (first, second)
    if len(month) > 2 or len(year) not in (2, 4) or not 1 <= int(month) <= 12:
        return None
    return int(month), int(year) + (2000 if len(year) == 2 else 0)


def needs_zip(country: str | None) -> bool:
    """Whether players of a country are asked for their postal code."""
    return country in ZIP_COUNTRIES


def check_card(fields: CardFields, *, country: str | None, asks_zip: bool, now: datetime) -> dict[str, Problem]:
    """Every faulty field with what is wrong; empty where the form is well filled."""
    faults: dict[str, Problem] = {}
    number = _number_problem(fields.number)
    if number:
        faults["number"] = number
    expiry = _expiry_problem(fields.expiry, now)
    if expiry:
        faults["expiry"] = expiry
    cvv = digits_of(fields.cvv)
    if not cvv:
        faults["cvv"] = Problem.CVV_MISSING
    elif not re.fullmatch(r"\d{3,4}", cvv, re.ASCII) or (brand_of(fields.number) is Brand.AMEX) != (len(cvv) == 4):
        faults["cvv"] = Problem.CVV_WRONG
    if asks_zip:
        zip_code = fields.zip.strip()
        if not zip_code:
            faults["zip"] = Problem.ZIP_MISSING
        elif not _ZIPS.get(country or "", _ANY_ZIP).fullmatch(zip_code):
            faults["zip"] = Problem.ZIP_WRONG
    return faults | check_email(fields.email)


def check_email(email: str) -> dict[str, Problem]:
    """The fault of an address that may be left out."""
    given = email.strip()
    if given and (len(given) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(given)):
        return {"email": Problem.EMAIL_WRONG}
    return {}


def _number_problem(number: str) -> Problem | None:
    digits = digits_of(number)
    if not digits:
        return Problem.NUMBER_MISSING
    if not re.fullmatch(r"\d+", digits, re.ASCII) or len(digits) not in NUMBER_DIGITS or not passes_luhn(digits):
        return Problem.NUMBER_WRONG
    return None


def _expiry_problem(expiry: str, now: datetime) -> Problem | None:
    if not expiry.strip():
        return Problem.EXPIRY_MISSING
    found = expiry_of(expiry)
    if found is None:
        return Problem.EXPIRY_WRONG
    month, year = found
    # A card is good until the last day of its month.
    if (year, month) < (now.year, now.month):
        return Problem.EXPIRY_PAST
    return Problem.EXPIRY_WRONG if year > now.year + YEARS_AHEAD_MAX else None
