"""What the templates show of a purchase: lines, sums, ways to pay, how it stands; every amount and name in words."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from haversack.backpack.pictures import picture_address
from haversack.orders.records import OrderCode, OrderLine, OrderState
from haversack.payments.page.html import PROVIDER_SCRIPT, static
from haversack.payments.page.rules import Brand, needs_zip
from haversack.payments.page.visit import LEAVE, Visit
from haversack.payments.page.words import (
    BRAND_NAMES,
    METHOD_NAMES,
    PROBLEMS,
    TEST_CARD_EFFECTS,
    Standing,
    phrase,
    said_in,
)
from haversack.payments.paying import MethodKind, Payment, SavedCard, Session
from haversack.payments.providers import CardEntry
from haversack.payments.providers.test_cards import TEST_CARDS
from haversack.payments.records import PaymentState
from haversack.text import reading

# The catalog's codes of languages, where they differ from the page's.
CATALOG_LANGUAGES = {"zh-CN": "cn", "pt-BR": "pt"}
THUMB = (64, 64)
POSTER = (400, 225)
TEST_EXPIRY = "12 / 40"
SAVED = "saved:"


def purchase(visit: Visit) -> dict[str, Any]:
    """The summary: lines, sums and the total."""
    session = visit.session
    return {
        "lines": _lines(visit),
        "sums": _sums(visit),
        "total": amount(visit, session.total),
        "due": session.is_payable,
    }


def amount(visit: Visit, value: Decimal, currency: str | None = None) -> str:
    """An amount as this player reads it."""
    return visit.language.amount(value, currency or visit.session.currency, by_code=visit.look.has_currency_code)


def _lines(visit: Visit) -> list[dict[str, Any]]:
    session = visit.session
    if session.order is None:
        if not session.description:
            return []
        return [_line(visit, session.description, None, 1, session.amount, None, size=THUMB)]
    bought = [line for line in session.order.lines if line.parent_line_no is None]
    size = POSTER if len(bought) == 1 else THUMB
    return [
        _line(
            visit,
            _name(visit, line),
            line.image_url,
            line.quantity,
            _paid(line),
            line.amount_without_discount,
            is_bonus=line.is_bonus,
            size=size,
        )
        for line in bought
    ]


def _paid(line: OrderLine) -> Decimal | None:
    return None if line.is_free or line.is_bonus else line.amount


def _line(
    visit: Visit,
    name: str,
    image_url: str | None,
    quantity: int,
    paid: Decimal | None,
    before: Decimal | None,
    *,
    is_bonus: bool = False,
    size: tuple[int, int],
) -> dict[str, Any]:
    is_reduced = before is not None and before > (paid or 0)
    return {
        "name": name,
        "picture": _picture(visit, image_url, size),
        "quantity": quantity,
        "is_bonus": is_bonus,
        "quantity_text": visit.language.number(quantity),
        "amount": None if not paid else amount(visit, paid),
        "amount_before": amount(visit, before) if is_reduced and before is not None else None,
    }


def _picture(visit: Visit, image_url: str | None, size: tuple[int, int]) -> dict[str, str] | None:
    """A resized copy by its path: the page may have been opened under another name than the public one."""
    if not image_url:
        return None
    context = visit.call.context
    width, height = size
    one, two = (picture_address(context, image_url, width=width * factor, height=height * factor) for factor in (1, 2))
    if one is None or two is None:
        return None
    public = context.settings.public_url
    return {"address": one.removeprefix(public), "address_2x": two.removeprefix(public)}


def _sums(visit: Visit) -> dict[str, Any]:
    session = visit.session
    order = session.order
    before = session.amount if order is None or order.amount_without_discount is None else order.amount_without_discount
    discount = before - session.amount
    tax = None
    if session.tax_percent:
        tax = {
            "name": session.tax_name,
            "percent": visit.language.percent(session.tax_percent),
            "amount": amount(visit, session.tax),
        }
    return {
        "subtotal": amount(visit, before) if discount > 0 or tax else None,
        "discount": amount(visit, -discount) if discount > 0 else None,
        "tax": tax,
    }


def payment_form(visit: Visit, *, chosen: str | None, fields: dict[str, Any]) -> dict[str, Any]:
    """The form: ways to pay with the chosen one, what was typed before, what is asked."""
    session = visit.session
    methods = _methods(visit, chosen)
    is_typed_here = session.entry is CardEntry.OUR_PAGE
    return {
        "methods": methods,
        "fields": {"zip": "", "email": session.email or "", "save_card": False, **fields},
        "asks": {"zip": needs_zip(session.country), "save": True},
        "country": _country(visit),
        "provider": _provider(session) if methods and not is_typed_here else None,
        "test_cards": _test_cards(visit) if session.is_sandbox and is_typed_here and methods else [],
        "brands": _brands(),
        "texts": {problem.value: text for problem, text in PROBLEMS.items()},
        "pay_label": amount(visit, session.total),
        "close": _close(visit),
    }


def _close(visit: Visit) -> dict[str, Any] | None:
    if not visit.look.has_close:
        return None
    confirmed = visit.address(LEAVE, sure="1")
    warns = visit.look.warns_on_close
    return {"address": visit.address(LEAVE) if warns else confirmed, "confirmed": confirmed, "warns": warns}


def _methods(visit: Visit, chosen: str | None) -> list[dict[str, Any]]:
    session = visit.session
    offered = [_saved(visit, card) for card in session.saved_cards if session.methods]
    for method in session.methods:
        kind = "step"
        if method.kind is MethodKind.CARD:
            kind = "card" if session.entry is CardEntry.OUR_PAGE else "provider"
        offered.append(
            {
                "value": str(method.kind),
                "kind": kind,
                "mark": str(method.kind),
                "name": visit.text(METHOD_NAMES[method.kind]),
                "hint": None,
            }
        )
    if chosen is None and offered and not visit.look.lists_methods:
        wanted = session.token.settings.get("payment_method")
        named = next((str(method.kind) for method in session.methods if method.code == wanted), None)
        chosen = named or offered[0]["value"]
    return [{**each, "is_chosen": each["value"] == chosen or len(offered) == 1} for each in offered]


def _saved(visit: Visit, card: SavedCard) -> dict[str, Any]:
    expiry = f"{card.expiry_month:02}/{card.expiry_year % 100:02}"
    return {
        "value": f"{SAVED}{card.card_id}",
        "kind": "saved",
        "mark": card.brand if card.brand in BRAND_NAMES else "card",
        "name": card_name(card.brand, card.suffix),
        "hint": visit.text(phrase("Expires %(date)s")) % {"date": expiry},
    }


def card_name(brand: str | None, suffix: str | None) -> str:
    """A card by what is kept of it: `Visa •••• 1111`."""
    name = BRAND_NAMES.get(brand or "", brand)
    return " ".join(part for part in (name, f"•••• {suffix}" if suffix else None) if part)


def _country(visit: Visit) -> dict[str, Any]:
    session = visit.session
    code = session.country
    return {
        "code": code,
        "name": visit.language.country(code) if code else "",
        "may_change": session.may_change_country,
        "choices": visit.language.countries() if session.may_change_country else [],
    }


def _provider(session: Session) -> dict[str, Any]:
    # Its library takes longer to load than all of this page: only projects that use it wait for it.
    from haversack.payments.providers.stripe import units_of

    return {
        "script": PROVIDER_SCRIPT,
        "key": session.publishable_key,
        "amount": str(units_of(session.total, session.currency)),
        "currency": session.currency.lower(),
    }


def _test_cards(visit: Visit) -> list[dict[str, str]]:
    return [
        {
            "number": card.number,
            "grouped": _grouped(card.number),
            "expiry": TEST_EXPIRY,
            "cvv": "1234" if card.brand == Brand.AMEX else "123",
            "effect": said_in(visit.language, card.reason or TEST_CARD_EFFECTS[card.behaviour]),
        }
        for card in TEST_CARDS
    ]


def _grouped(number: str) -> str:
    if len(number) == 15:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    return " ".join(number[place : place + 4] for place in range(0, len(number), 4))


@cache
def _brands() -> dict[str, tuple[str, str]]:
    return {
        "card": ("", static("mark-card.svg")),
        **{str(brand): (name, static(f"mark-{brand}.svg")) for brand, name in BRAND_NAMES.items()},
    }


def standing_of(session: Session) -> Standing | None:
    """How a purchase stands; None where nothing has been tried and it can be paid."""
    payment, order = session.latest, session.order
    if payment is not None and payment.state is PaymentState.REFUNDED:
        return Standing.REFUNDED
    if payment is not None and payment.state is PaymentState.PARTIALLY_REFUNDED:
        return Standing.PARTLY_REFUNDED
    if payment is not None and payment.state is PaymentState.DONE:
        if payment.failure:
            return Standing.GOING_BACK
        return Standing.DELIVERING if order is not None and order.state is OrderState.PAID else Standing.DONE
    if order is not None and order.state is OrderState.EXPIRED:
        return Standing.EXPIRED
    if order is not None and order.state is OrderState.CANCELED:
        return Standing.WITHDRAWN
    if payment is None:
        return None
    if payment.state is PaymentState.FAILED:
        return Standing.FAILED
    if payment.state is PaymentState.CANCELED:
        return Standing.CANCELED
    return Standing.PROCESSING


def facts_of(visit: Visit, payment: Payment | None) -> list[tuple[str, str]]:
    """What the player may want to write down of a payment."""
    if payment is None:
        return []
    facts = [(visit.text(phrase("Amount")), amount(visit, payment.amount, payment.currency))]
    if payment.refunded:
        facts.append((visit.text(phrase("Refunded")), amount(visit, payment.refunded, payment.currency)))
    with_what = card_name(payment.card_brand, payment.card_suffix) or _method_name(visit, payment)
    facts.append((visit.text(phrase("Payment method")), with_what))
    facts.append((visit.text(phrase("Payment number")), str(payment.payment_id)))
    return facts


def codes_of(visit: Visit, codes: Sequence[OrderCode]) -> list[tuple[str, str]]:
    """The codes of keys that were bought, each with the name of its key."""
    order = visit.session.order
    names = {} if order is None else {line.sku: _name(visit, line) for line in order.lines}
    return [(names[each.sku], each.code) for each in codes]


def _name(visit: Visit, line: OrderLine) -> str:
    language = CATALOG_LANGUAGES.get(visit.language.code, visit.language.code)
    return reading(line.name, language) or line.sku


def _method_name(visit: Visit, payment: Payment) -> str:
    known = set(MethodKind)
    return visit.text(METHOD_NAMES[MethodKind(payment.method)]) if payment.method in known else payment.method
