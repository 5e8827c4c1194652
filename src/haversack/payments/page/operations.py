"""The payment page, as a browser calls it. It pays by the same functions as `haversack pay`."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Form as FormField
from fastapi import Query
from starlette.responses import Response

from haversack.errors import PAYMENT_FORM_FOREIGN, PAYMENT_PAGE
from haversack.http.area import Area, Repeat
from haversack.http.calls import PublicCall
from haversack.orders.codes import list_codes
from haversack.orders.records import OrderCode
from haversack.payments import paying
from haversack.payments.page import attempts, view
from haversack.payments.page.html import STATIC_FOLDER
from haversack.payments.page.returning import Ending, way_back
from haversack.payments.page.visit import (
    LEAVE,
    PAGE,
    SANDBOX_STEP,
    STATUS,
    Visit,
    check_origin,
    open_visit,
    render_visit,
    reopen,
)
from haversack.payments.page.words import STANDINGS, Standing, said_in
from haversack.payments.rules import OPEN

area = Area("payment-page", family=PAYMENT_PAGE, in_document=False)

# While the game is told, or a bank thinks: seconds until the page looks again.
LOOK_AGAIN_SECONDS = 3
_UNSETTLED = (Standing.PROCESSING, Standing.DELIVERING)
_SUCCESSFUL = (Standing.DONE, Standing.DELIVERING, Standing.PARTLY_REFUNDED)
_CANCELED = (Standing.CANCELED, Standing.WITHDRAWN, Standing.LEFT)
# The words of return addresses and of messages to the window around the page.
_STATUS_WORDS = {
    Standing.DONE: "done",
    Standing.DELIVERING: "delivering",
    Standing.PARTLY_REFUNDED: "done",
    Standing.PROCESSING: "invoice",
    Standing.LEFT: None,
}

TokenQuery = Annotated[str, Query(description="the payment token")]
LangQuery = Annotated[str | None, Query(description="a language that the player has chosen")]
TokenField = Annotated[str, FormField(max_length=512)]
LangField = Annotated[str | None, FormField(max_length=16)]
TextField = Annotated[str, FormField(max_length=512)]


@area.get("/paystation4")
async def payment_page(
    call: PublicCall,
    token: TokenQuery = "",
    access_token: TokenQuery = "",
    lang: LangQuery = None,
    method: Annotated[str | None, Query(description="which way to pay is opened")] = None,
) -> Response:
    """Show a purchase and the ways to pay for it."""
    return await _form_page(call, token or access_token, lang, method)


@area.get("/paystation3")
async def payment_page_3(
    call: PublicCall, token: TokenQuery = "", access_token: TokenQuery = "", lang: LangQuery = None
) -> Response:
    """Show the same page where older SDKs look for it."""
    return await _form_page(call, token or access_token, lang, None)


@area.get("/paystation2")
async def payment_page_2(
    call: PublicCall, token: TokenQuery = "", access_token: TokenQuery = "", lang: LangQuery = None
) -> Response:
    """Show the same page where the embed script and the oldest SDKs look for it."""
    return await _form_page(call, token or access_token, lang, None)


async def _form_page(call: PublicCall, token: str, lang: str | None, method: str | None) -> Response:
    visit = await open_visit(call, token, lang)
    if isinstance(visit, Response):
        return visit
    if visit.session.latest is not None and visit.session.latest.state in OPEN:
        outcome = await paying.refresh(call.context, visit.session)
        if isinstance(outcome, paying.Pending | paying.Done):
            return visit.redirect(STATUS)
        visit = await reopen(visit)
    if not visit.session.is_payable:
        return visit.redirect(STATUS)
    return attempts.form_again(visit, chosen=method)


@area.post("/paystation4/country", errors=(PAYMENT_FORM_FOREIGN,), repeat=Repeat.NEVER)
async def change_country_on_page(
    call: PublicCall,
    token: TokenField = "",
    lang: LangField = None,
    country: Annotated[str, FormField(max_length=2)] = "",
) -> Response:
    """Let the player pay from another country: its tax and its ways to pay."""
    check_origin(call)
    visit = await open_visit(call, token, lang)
    if isinstance(visit, Response):
        return visit
    if country in dict(visit.language.countries()):
        await paying.change_country(call.context, visit.session, country)
    return visit.redirect(PAGE)


@area.post("/paystation4/check", errors=(PAYMENT_FORM_FOREIGN,), repeat=Repeat.NEVER)
async def check_player_on_page(
    call: PublicCall, token: TokenField = "", lang: LangField = None, email: TextField = ""
) -> Response:
    """Ask the game about the player when a way to pay is chosen, and when the form is filled."""
    check_origin(call)
    visit = await open_visit(call, token, lang)
    if isinstance(visit, Response):
        return visit
    refused = None
    if visit.session.is_payable:
        given = email.strip() if not attempts.email_problems(email) else ""
        refused = await paying.check_player(call.context, visit.session, client_ip=call.client_ip, email=given or None)
    return attempts.refusal_answer(visit, refused)


@area.post("/paystation4/pay", errors=(PAYMENT_FORM_FOREIGN,), repeat=Repeat.NEVER)
async def pay_on_page(
    call: PublicCall,
    token: TokenField = "",
    lang: LangField = None,
    method: Annotated[str, FormField(max_length=40)] = "",
    number: Annotated[str, FormField(max_length=40)] = "",
    expiry: Annotated[str, FormField(max_length=20)] = "",
    cvv: Annotated[str, FormField(max_length=10)] = "",
    zip: Annotated[str, FormField(max_length=20)] = "",  # noqa: A002 - the field's name
    email: TextField = "",
    save_card: Annotated[str, FormField(max_length=10)] = "",
) -> Response:
    """Pay by the chosen way, or lead on to its step."""
    check_origin(call)
    visit = await open_visit(call, token, lang)
    if isinstance(visit, Response):
        return visit
    wish = attempts.Wish(
        method=method, number=number, expiry=expiry, cvv=cvv, zip=zip, email=email, saves_card=bool(save_card)
    )
    return await attempts.pay(visit, wish)


@area.get("/paystation4/status")
async def payment_status_page(call: PublicCall, token: TokenQuery = "", lang: LangQuery = None) -> Response:
    """Show how a payment stands; while it is under way the page looks again by itself."""
    visit = await open_visit(call, token, lang)
    if isinstance(visit, Response):
        return visit
    latest = visit.session.latest
    if latest is not None and latest.state in OPEN:
        outcome = await paying.refresh(call.context, visit.session)
        if isinstance(outcome, paying.ThreeDSecure):
            return visit.redirect(SANDBOX_STEP)
        if isinstance(outcome, paying.InBrowser):
            return visit.redirect(PAGE)
        visit = await reopen(visit)
    standing = view.standing_of(visit.session)
    if standing is None:
        return visit.redirect(PAGE)
    codes: list[OrderCode] = []
    if visit.session.order is not None:
        codes = await list_codes(call.db, call.context.sealer, visit.session.order)
    return _standing_page(visit, standing, codes)


@area.get("/paystation4/leave")
async def leave_payment_page(
    call: PublicCall,
    token: TokenQuery = "",
    lang: LangQuery = None,
    sure: Annotated[str | None, Query(description="set where the player has said so")] = None,
) -> Response:
    """Ask whether the player wants to leave without paying, and show the way back. The purchase stays payable."""
    visit = await open_visit(call, token, lang)
    if isinstance(visit, Response):
        return visit
    if not visit.session.is_payable:
        return visit.redirect(STATUS)
    if sure:
        return _standing_page(visit, Standing.LEFT)
    return render_visit(
        visit,
        "leave.html",
        LEAVE,
        **view.purchase(visit),
        stay=visit.address(PAGE),
        confirmed=visit.address(LEAVE, sure="1"),
    )


def _standing_page(visit: Visit, standing: Standing, codes: Sequence[OrderCode] = ()) -> Response:
    session = visit.session
    payment = session.latest
    ending = Ending.UNSETTLED
    if standing in _SUCCESSFUL:
        ending = Ending.SUCCESSFUL
    elif standing in _CANCELED:
        ending = Ending.CANCELED
    word = _STATUS_WORDS.get(standing, "troubled")
    title, text = (visit.text(each) for each in STANDINGS[standing])
    if standing in (Standing.FAILED, Standing.GOING_BACK) and payment is not None and payment.failure:
        text = f"{said_in(visit.language, payment.failure)} {text}"
    return render_visit(
        visit,
        "status.html",
        STATUS,
        **view.purchase(visit),
        state=standing,
        title=title,
        text=text,
        codes=view.codes_of(visit, codes),
        facts=[] if standing is Standing.LEFT else view.facts_of(visit, payment),
        # SDKs know `status=done` alone; that the game is still being told is no matter of the address.
        way=way_back(
            session.token.settings,
            ending,
            user_id=session.token.external_id,
            invoice_id=None if payment is None else payment.payment_id,
            status="done" if ending is Ending.SUCCESSFUL else word,
        ),
        again=visit.address(PAGE) if session.is_payable and standing is not Standing.PROCESSING else None,
        refresh=LOOK_AGAIN_SECONDS if standing in _UNSETTLED else None,
        signal={
            "command": "page" if word is None else "status",
            "status": word,
            "invoice": None if payment is None else payment.payment_id,
            "user_id": session.token.external_id,
        },
    )


@area.get("/pages/sandbox")
async def sandbox_step_page(
    call: PublicCall,
    token: TokenQuery = "",
    lang: LangQuery = None,
) -> Response:
    """Stand in for the page of a bank (3-D Secure)."""
    visit = await open_visit(call, token, lang)
    if isinstance(visit, Response):
        return visit
    outcome = await paying.refresh(call.context, visit.session)
    if not isinstance(outcome, paying.ThreeDSecure):
        return visit.redirect(STATUS)
    return attempts.step_page(visit, card=outcome.card, code=outcome.code, challenge=outcome.challenge_id)


@area.post("/pages/sandbox", errors=(PAYMENT_FORM_FOREIGN,), repeat=Repeat.NEVER)
async def answer_sandbox_step(
    call: PublicCall,
    token: TokenField = "",
    lang: LangField = None,
    answer: Annotated[str, FormField(max_length=20)] = "",
    code: Annotated[str, FormField(max_length=64)] = "",
    challenge: Annotated[str, FormField(max_length=64)] = "",
    method: Annotated[str, FormField(max_length=40)] = "",
    email: TextField = "",
) -> Response:
    """Go on after a step of the sandbox: confirmed, with a code or without, or canceled."""
    check_origin(call)
    visit = await open_visit(call, token, lang)
    if isinstance(visit, Response):
        return visit
    kind = attempts.step_of(visit, method or None)
    if kind is not None:
        if answer != "confirm":
            return visit.redirect(PAGE, method=str(kind))
        # The form before has checked the address; whoever sends another one here has it left out.
        given = email.strip() if not attempts.email_problems(email) else ""
        paid = await paying.pay_simply(call.context, visit.session, kind, email=given or None, client_ip=call.client_ip)
        return attempts.show(visit, paid, attempts.Wish(method=str(kind), email=given))
    if answer == "confirm":
        await paying.confirm_three_d_secure(call.context, visit.session, challenge, code)
    else:
        await paying.cancel(call.context, visit.session)
    # Whatever has come of it, the status page says it, or leads back to the form.
    return visit.redirect(STATUS)


@area.get("/embed/paystation/{version}/widget.min.js")
async def payment_widget_script(call: PublicCall, version: str) -> Response:
    """Serve the script that opens the page in a frame or window of a studio's site; of any version, the same."""
    return Response(
        (STATIC_FOLDER / "widget.js").read_bytes(),
        media_type="text/javascript; charset=utf-8",
        headers={
            "Cache-Control": "public, max-age=3600",
            "X-Content-Type-Options": "nosniff",
            # Other sites load it: that is what it is for.
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )
