"""Paying: what the payment page and `haversack pay` do with a purchase that a token has opened.

A payment goes in five steps, so that the process may die between any two of them:
  payment made            committed, `created`
  (create)                a charge at the provider; no money moves
  reference recorded      committed, `processing`
  (confirm)               the provider moves the money
  result recorded         committed together with what the order gives (`completing`)
A payment that was left in between is found by the sweep (`sweeping`), which asks the provider what became of it.
"""

from haversack.context import Context
from haversack.payments.completing import end_payment, record_charge
from haversack.payments.outcomes import (
    Declined,
    Done,
    Faulty,
    InBrowser,
    Outcome,
    Pending,
    Refused,
    ThreeDSecure,
    outcome_of,
    outcome_of_charge,
)
from haversack.payments.providers import (
    Charge,
    KnownCard,
    NewCard,
    Provider,
    ProviderAway,
    ProviderRefused,
    Source,
    Wallet,
)
from haversack.payments.providers.choosing import choose_provider, open_provider
from haversack.payments.queries.payments import list_payments
from haversack.payments.records import CardDetails, Payment, PaymentState, SavedCard
from haversack.payments.rules import OPEN, Method, MethodKind
from haversack.payments.sessions import (
    Session,
    change_country,
    open_session,
    open_session_of_order,
    reload_session,
    return_url,
)
from haversack.payments.starting import create_charge, start_payment
from haversack.webhooks.asking import AnswerKind, ask
from haversack.webhooks.events import UserValidation
from haversack.webhooks.records import Purpose

__all__ = [
    "CardDetails",
    "Declined",
    "Done",
    "Faulty",
    "InBrowser",
    "Method",
    "MethodKind",
    "Outcome",
    "Payment",
    "Pending",
    "Refused",
    "SavedCard",
    "Session",
    "ThreeDSecure",
    "begin_in_browser",
    "cancel",
    "change_country",
    "check_player",
    "confirm_three_d_secure",
    "open_session",
    "open_session_of_order",
    "pay_by_card",
    "pay_by_saved_card",
    "pay_simply",
    "refresh",
    "reload_session",
    "return_url",
]

NO_PROVIDER = "This shop cannot take payments yet."
GAME_AWAY = "The game does not answer, so nothing can be bought for this player right now. Try again later."
GAME_REFUSED = "The game does not accept this player."
CARD_UNKNOWN = "This saved card is not there any more. Enter a card."
METHOD_UNKNOWN = "This way to pay is not offered here."
NO_CHALLENGE = "There is no payment that waits for a code. Start it anew."
GIVEN_UP = "The payment was canceled."


async def check_player(
    context: Context, session: Session, *, client_ip: str | None, email: str | None = None, zip_code: str | None = None
) -> Refused | None:
    """Ask the game whether the player may pay: when a method is chosen, when the form is filled, when Pay is pressed.

    `pay_…` and `begin_in_browser` ask by themselves; the page asks at the moments before. It is asked once each time
    and never again by itself: a game that is away stops the payment too. A project without a webhook has nobody to ask,
    and goes on.
    """
    token = session.token
    question = UserValidation(
        user_id=token.external_id,
        country=session.country,
        email=email or session.email,
        ip=client_ip or None,
        phone=token.user_details.get("phone"),
        user_name=token.user_details.get("name"),
        zip=zip_code or None,
        custom_parameters=token.custom_parameters,
    )
    answer = await ask(context, session.project, question, purpose=Purpose.STORE)
    if answer.kind in (AnswerKind.ACCEPTED, AnswerKind.NO_ENDPOINT):
        return None
    if answer.kind is AnswerKind.AWAY:
        return Refused(GAME_AWAY)
    return Refused(f"{GAME_REFUSED} {answer.message}" if answer.message else GAME_REFUSED)


async def pay_by_card(
    context: Context, session: Session, card: CardDetails, *, email: str | None, save: bool, client_ip: str | None
) -> Outcome:
    """Pay with a card that was typed on our page: a test card of the sandbox, and no other."""
    provider = await choose_provider(context, session.project, is_sandbox=session.is_sandbox)
    if provider is None:
        return Refused(NO_PROVIDER)
    faults = provider.check_card(card, now=session.now)
    if faults:
        return Faulty(faults)
    return await _pay(
        context,
        session,
        provider,
        NewCard(card),
        MethodKind.CARD,
        email=email,
        client_ip=client_ip,
        zip_code=card.zip,
        saves_card=save,
    )


async def pay_by_saved_card(
    context: Context, session: Session, card_id: int, *, email: str | None = None, client_ip: str | None = None
) -> Outcome:
    """Pay with one of the player's saved cards. `InBrowser`: its bank wants to ask the player."""
    provider = await choose_provider(context, session.project, is_sandbox=session.is_sandbox)
    if provider is None:
        return Refused(NO_PROVIDER)
    card = next((each for each in session.saved_cards if each.card_id == card_id), None)
    if card is None:
        return Refused(CARD_UNKNOWN)
    source = KnownCard(card.reference)
    return await _pay(context, session, provider, source, MethodKind.CARD, email=email, client_ip=client_ip)


async def pay_simply(
    context: Context,
    session: Session,
    method: MethodKind,
    *,
    email: str | None = None,
    client_ip: str | None = None,
) -> Outcome:
    """Pay by PayPal, Google Pay or Apple Pay in the sandbox, where they ask for nothing."""
    provider = await choose_provider(context, session.project, is_sandbox=session.is_sandbox)
    if provider is None:
        return Refused(NO_PROVIDER)
    if method is MethodKind.CARD or method not in provider.methods:
        return Refused(METHOD_UNKNOWN)
    return await _pay(context, session, provider, Wallet(method), method, email=email, client_ip=client_ip)


async def begin_in_browser(
    context: Context, session: Session, *, email: str | None, save: bool, client_ip: str | None
) -> Outcome:
    """Begin a payment whose card is typed in the provider's frame (`session.entry` PROVIDER): `InBrowser` tells the
    page what the provider's script needs. A payment that was begun and not confirmed is gone on with.

    When the script is through, or the player comes back, `refresh` asks what became of it; the provider's own notice
    does the same without the browser.
    """
    provider = await choose_provider(context, session.project, is_sandbox=session.is_sandbox)
    if provider is None:
        return Refused(NO_PROVIDER)
    refused = await check_player(context, session, client_ip=client_ip, email=email)
    if refused is not None:
        return refused
    payment = await start_payment(context, session, provider, MethodKind.CARD, email=email, zip_code=None, goes_on=True)
    if not isinstance(payment, Payment):
        return payment
    created = await create_charge(context, provider, payment, saves_card=save)
    return outcome_of_charge(*created, provider) if isinstance(created, tuple) else created


async def confirm_three_d_secure(context: Context, session: Session, challenge_id: str, code: str) -> Outcome:
    """Go on after the sandbox's 3-D Secure step with the code that was entered. A wrong one ends the payment."""
    payment = session.latest
    if payment is None or payment.state is PaymentState.CREATED:
        return Refused(NO_CHALLENGE)
    if payment.state not in OPEN:
        return outcome_of(payment)
    provider = await open_provider(context, session.project, payment.provider)
    if provider is None:
        return Refused(NO_PROVIDER)
    try:
        charge = await provider.answer_challenge(payment, challenge_id, code)
    except ProviderAway:
        return Pending(payment)
    return await _record(context, session, provider, payment, charge)


async def refresh(context: Context, session: Session) -> Outcome | None:
    """What has become of the purchase's payment; the provider is asked where it is open. None: nobody tried yet."""
    payments = await list_payments(context.database.session(), session.token)
    if not payments:
        return None
    payment = payments[0]
    if payment.state is not PaymentState.PROCESSING:
        return outcome_of(payment)
    provider = await open_provider(context, session.project, payment.provider)
    if provider is None:
        return Pending(payment)
    try:
        charge = await provider.find(payment)
    except (ProviderAway, ProviderRefused):
        return Pending(payment)
    return await _record(context, session, provider, payment, charge)


async def cancel(context: Context, session: Session) -> Outcome | None:
    """The player gives up: an open payment is ended at the provider, if it still can be. The order stays payable.

    What it has come to: `Done` where the money was faster. None: nobody tried to pay.
    """
    payments = await list_payments(context.database.session(), session.token)
    open_ones = [payment for payment in payments if payment.state is PaymentState.PROCESSING]
    for payment in open_ones:
        provider = await open_provider(context, session.project, payment.provider)
        if provider is None:
            continue
        try:
            charge = await provider.cancel(payment)
        except (ProviderAway, ProviderRefused):
            # It stays open: the sweep ends it.
            continue
        await record_charge(context, session.project, payment, charge, reason=GIVEN_UP)
    latest = (await list_payments(context.database.session(), session.token))[:1]
    return outcome_of(latest[0]) if latest else None


async def _pay(
    context: Context,
    session: Session,
    provider: Provider,
    source: Source,
    kind: MethodKind,
    *,
    email: str | None,
    client_ip: str | None,
    zip_code: str | None = None,
    saves_card: bool = False,
) -> Outcome:
    refused = await check_player(context, session, client_ip=client_ip, email=email, zip_code=zip_code)
    if refused is not None:
        return refused
    started = await start_payment(context, session, provider, kind, email=email, zip_code=zip_code)
    if not isinstance(started, Payment):
        return started
    created = await create_charge(context, provider, started, saves_card=saves_card)
    if not isinstance(created, tuple):
        return created
    payment, _ = created
    try:
        charge = await provider.confirm(payment, source)
    except ProviderAway:
        # The money may have moved. The sweep, or the page's next question, finds out.
        return Pending(payment)
    except ProviderRefused as error:
        return outcome_of(await end_payment(context, payment, PaymentState.FAILED, str(error)))
    return await _record(context, session, provider, payment, charge)


async def _record(context: Context, session: Session, provider: Provider, payment: Payment, charge: Charge) -> Outcome:
    """Record what the provider says, as often as it says it."""
    for _ in range(charge.told_times):
        payment = await record_charge(context, session.project, payment, charge)
    return outcome_of_charge(payment, charge, provider)
