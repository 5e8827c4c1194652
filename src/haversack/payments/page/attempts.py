"""A try to pay on the page: what the form asks for, and what the player is shown or led to afterwards."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, assert_never

import orjson
from starlette.responses import RedirectResponse, Response

from haversack.payments import paying
from haversack.payments.page import view
from haversack.payments.page.rules import (
    CardFields,
    Problem,
    check_card,
    check_email,
    digits_of,
    expiry_of,
    needs_zip,
)
from haversack.payments.page.visit import PAGE, SANDBOX_STEP, STATUS, Visit, render_visit
from haversack.payments.page.words import (
    BRAND_NAMES,
    DECLINED_ADVICE,
    METHOD_NAMES,
    PROBLEMS,
    REFUSED_TITLE,
    TOO_MANY_TRIES,
    said_in,
)
from haversack.payments.providers import CardEntry
from haversack.payments.queries.payments import list_payments
from haversack.payments.records import CardDetails, CardFacts
from haversack.payments.rules import MethodKind

# A player mistypes; a thief tries stolen cards. Counted by the payments of one purchase, in its project's time.
TRIES_MAX = 10
TRIES_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was sent with the form. Number and code live for one request, and are in no `repr`."""

    method: str = ""
    number: str = field(default="", repr=False)
    expiry: str = field(default="", repr=False)
    cvv: str = field(default="", repr=False)
    zip: str = ""
    email: str = ""
    saves_card: bool = False


def email_problems(email: str) -> dict[str, Problem]:
    """What is wrong with an address."""
    return check_email(email)


async def pay(visit: Visit, wish: Wish) -> Response:
    """Try to pay by the wished way."""
    faults = _faults(visit, wish)
    if faults:
        return form_again(visit, wish=wish, status=422, problems=_said(faults))
    if not visit.session.is_payable:
        return _go(visit, visit.address(STATUS))
    if await _has_tried_too_often(visit):
        seconds = int(TRIES_WITHIN.total_seconds())
        title, text = TOO_MANY_TRIES
        response = form_again(visit, wish=wish, status=429, message=(visit.text(title), visit.text(text)))
        response.headers["Retry-After"] = str(seconds)
        return response
    email = wish.email.strip() or None
    kind = step_of(visit, wish.method)
    if kind is not None:
        # As the answer to the form: an address would carry what was typed.
        return step_page(visit, method=kind, email=email or "")
    return show(visit, await _outcome(visit, wish, email), wish)


def step_of(visit: Visit, method: str | None) -> MethodKind | None:
    """The way to pay that has a page of its own, where the purchase may be paid by it."""
    for offered in visit.session.methods:
        if offered.kind == method and offered.kind is not MethodKind.CARD and visit.session.is_payable:
            return offered.kind
    return None


async def _outcome(visit: Visit, wish: Wish, email: str | None) -> paying.Outcome:
    context, session = visit.call.context, visit.session
    if wish.method.startswith(view.SAVED):
        number = wish.method.removeprefix(view.SAVED)
        card_id = int(number) if number.isdecimal() and len(number) < 12 else 0
        return await paying.pay_by_saved_card(context, session, card_id, email=email, client_ip=visit.call.client_ip)
    if session.entry is CardEntry.PROVIDER:
        return await paying.begin_in_browser(
            context, session, email=email, save=wish.saves_card, client_ip=visit.call.client_ip
        )
    expiry = expiry_of(wish.expiry)
    assert expiry is not None, "the form was checked"
    card = CardDetails(
        number=digits_of(wish.number),
        expiry_month=expiry[0],
        expiry_year=expiry[1],
        cvv=digits_of(wish.cvv),
        zip=wish.zip.strip() or None,
    )
    return await paying.pay_by_card(
        context, session, card, email=email, save=wish.saves_card, client_ip=visit.call.client_ip
    )


def _faults(visit: Visit, wish: Wish) -> dict[str, Problem]:
    session = visit.session
    offered = {str(method.kind) for method in session.methods}
    if wish.method not in offered and not wish.method.startswith(view.SAVED):
        return {"method": Problem.METHOD_MISSING}
    if wish.method != MethodKind.CARD or session.entry is CardEntry.PROVIDER:
        return check_email(wish.email)
    fields = CardFields(number=wish.number, expiry=wish.expiry, cvv=wish.cvv, zip=wish.zip, email=wish.email)
    return check_card(fields, country=session.country, asks_zip=needs_zip(session.country), now=session.now)


def _said(faults: dict[str, Problem]) -> dict[str, str]:
    return {name: PROBLEMS[problem] for name, problem in faults.items()}


async def _has_tried_too_often(visit: Visit) -> bool:
    session = visit.session
    payments = await list_payments(visit.call.context.database.session(), session.token)
    return sum(session.now - payment.created_at < TRIES_WITHIN for payment in payments) >= TRIES_MAX


def show(visit: Visit, outcome: paying.Outcome, wish: Wish) -> Response:
    """Lead on from what has come of a try, or show the form again with what went wrong."""
    match outcome:
        case paying.Done() | paying.Pending():
            return _go(visit, visit.address(STATUS))
        case paying.ThreeDSecure():
            return _go(visit, visit.address(SANDBOX_STEP))
        case paying.InBrowser(_, _, secret):
            return _in_browser(visit, secret, wish)
        case paying.Faulty(faults):
            return form_again(visit, wish=wish, status=422, problems=dict(faults))
        case paying.Declined(_, reason):
            message = said_in(visit.language, reason), visit.text(DECLINED_ADVICE)
            return form_again(visit, wish=wish, status=402, message=message)
        case paying.Refused(reason):
            message = visit.text(REFUSED_TITLE), said_in(visit.language, reason)
            return form_again(visit, wish=wish, status=409, message=message)
    assert_never(outcome)


def _wants_json(visit: Visit) -> bool:
    return visit.call.request.headers.get("x-requested-with") == "fetch"


def _go(visit: Visit, address: str) -> Response:
    if _wants_json(visit):
        return _answer(200, next=address)
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(address, status_code=303, headers=headers)


def _in_browser(visit: Visit, secret: str, wish: Wish) -> Response:
    if not _wants_json(visit):
        # The page says already that this way needs a script.
        return form_again(visit, wish=wish)
    back = visit.call.context.settings.public_url + visit.address(STATUS)
    known = wish.method.startswith(view.SAVED)
    return _answer(200, browser={"secret": secret, "return_url": back, "is_known_card": known})


def step_page(
    visit: Visit,
    *,
    method: MethodKind | None = None,
    email: str = "",
    card: CardFacts | None = None,
    code: str = "",
    challenge: str = "",
) -> Response:
    """The page that stands in for a bank's (no `method`), or for that of a way to pay."""
    mark = str(method) if method is not None else "card"
    values = {**view.purchase(visit), "card": None, "code": code, "challenge": challenge, "email": email}
    if card is not None:
        mark = card.brand if card.brand in BRAND_NAMES else mark
        values["card"] = view.card_name(card.brand, card.suffix)
    if method is not None:
        values["languages"] = []  # what was typed would get lost
    return render_visit(
        visit,
        "step.html",
        SANDBOX_STEP,
        kind="three_ds" if method is None else "method",
        method={"mark": mark, "name": "" if method is None else METHOD_NAMES[method], "value": method},
        **values,
    )


def refusal_answer(visit: Visit, refused: paying.Refused | None) -> Response:
    """What pay.js is told of a question to the game."""
    if refused is None:
        return _answer(200)
    return _answer(409, title=visit.text(REFUSED_TITLE), text=said_in(visit.language, refused.reason))


def _answer(status: int, **known: Any) -> Response:
    body = {"next": None, "title": None, "text": None, "problems": {}, "browser": None, **known}
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/json")


def form_again(
    visit: Visit,
    *,
    wish: Wish | None = None,
    chosen: str | None = None,
    status: int = 200,
    problems: dict[str, str] | None = None,
    message: tuple[str, str] | None = None,
) -> Response:
    """The form, with what was typed but for number and code; for pay.js, only what went wrong.

    problems: messages by field, not translated yet. message: title and text, translated.
    """
    title, text = message or (None, None)
    if _wants_json(visit) and wish is not None:
        said = {name: said_in(visit.language, problem) for name, problem in (problems or {}).items()}
        return _answer(status, title=title, text=text, problems=said)
    typed: dict[str, Any] = {}
    if wish is not None:
        typed = {"zip": wish.zip, "email": wish.email, "save_card": wish.saves_card}
    return render_visit(
        visit,
        "pay.html",
        PAGE,
        status=status,
        **view.purchase(visit),
        **view.payment_form(visit, chosen=(wish.method if wish is not None else chosen) or None, fields=typed),
        problems=problems or {},
        message=None if title is None else {"title": title, "text": text},
    )
