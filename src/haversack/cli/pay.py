"""`haversack pay ORDER`: pays an order with a test card, as the payment page does."""

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from haversack.cli.connect import end_with, run_with_context

if TYPE_CHECKING:
    from haversack.context import Context
    from haversack.payments.outcomes import Outcome
    from haversack.payments.records import CardDetails, Payment
    from haversack.payments.sessions import Session

DECLINED_STATUS = 3
REFUSED_STATUS = 4
PENDING_STATUS = 5
SUCCESS_CARD = "success"
DECLINED_CARD = "declined"


def pay(
    order: Annotated[int, typer.Argument(help="the order's id", min=1, max=2**31 - 1)],
    card: Annotated[
        str, typer.Option(help="a test card by its name or number; `haversack payments cards` lists them")
    ] = SUCCESS_CARD,
    decline: Annotated[bool, typer.Option("--decline", help="pay with a card that is declined")] = False,
    code: Annotated[str | None, typer.Option(help="the 3-D Secure code, where it is not the right one")] = None,
    email: Annotated[str | None, typer.Option(help="where the receipt would go")] = None,
) -> None:
    """Pay an order of the sandbox. Ends with 0 where it is paid, 3 where the card is declined, 4 where there is nothing
    to pay or the game does not know the player, 5 where the provider has not answered yet."""
    chosen = DECLINED_CARD if decline else card

    async def work(context: "Context") -> None:
        from haversack.orders.overviews import find_project_of
        from haversack.payments.outcomes import ThreeDSecure
        from haversack.payments.paying import confirm_three_d_secure, open_session_of_order, pay_by_card

        project_id = await find_project_of(context.database.session(), order)
        session = None if project_id is None else await open_session_of_order(context, project_id, order)
        if session is None or project_id is None:
            end_with(f"There is no order {order} that is paid with money.")
        details = _details(chosen)
        outcome = await pay_by_card(context, session, details, email=email, save=False, client_ip=None)
        if isinstance(outcome, ThreeDSecure):
            typer.echo("The card asks for 3-D Secure.")
            again = await open_session_of_order(context, project_id, order)
            assert again is not None, "the token was there a moment ago"
            outcome = await confirm_three_d_secure(context, again, outcome.challenge_id, code or outcome.code)
        await _tell(context, session, outcome)

    run_with_context(work)


def cards() -> None:
    """List the test cards of the sandbox."""
    from haversack.payments.providers.test_cards import CHALLENGE_CODE, TEST_CARDS

    for card in TEST_CARDS:
        what = card.reason or card.behaviour.value.replace("_", " ")
        typer.echo(f"{card.number:<17} {card.name:<19} {what}")
    typer.echo(f"Expiry 12/40, any security code. The 3-D Secure code is {CHALLENGE_CODE}.")


def _details(chosen: str) -> "CardDetails":
    from haversack.payments.providers.sandbox import EXPIRY
    from haversack.payments.providers.test_cards import BY_NAME
    from haversack.payments.records import CardDetails

    known = BY_NAME.get(chosen)
    if known is None and not chosen.isdigit():
        end_with(f"There is no test card {chosen!r}. One of: {', '.join(BY_NAME)}.", status=2)
    month, year = EXPIRY
    return CardDetails(
        number=chosen if known is None else known.number, expiry_month=month, expiry_year=year, cvv="123"
    )


async def _tell(context: "Context", session: "Session", outcome: "Outcome") -> None:
    from haversack.payments import outcomes

    match outcome:
        case outcomes.Done(payment):
            await _tell_done(context, session, payment)
        case outcomes.Declined(payment, reason):
            _end(f"Payment {payment.payment_id} did not go through: {reason}", DECLINED_STATUS)
        case outcomes.Refused(reason):
            _end(reason, REFUSED_STATUS)
        case outcomes.Faulty(faults):
            _end(" ".join(faults.values()), REFUSED_STATUS)
        case outcomes.Pending(payment):
            sentence = "The provider has not answered yet. The server asks it again and goes on."
            _end(f"Payment {payment.payment_id} is under way. {sentence}", PENDING_STATUS)
        case outcomes.ThreeDSecure() | outcomes.InBrowser():
            _end("The player has to go on in a browser.", PENDING_STATUS)


async def _tell_done(context: "Context", session: "Session", payment: "Payment") -> None:
    from haversack.orders.queries import find_order

    assert session.order is not None, "an order was paid"
    order = await find_order(context.database.session(), session.order.project_id, session.order.order_id)
    assert order is not None
    tax = f", {payment.tax:f} of it {payment.tax_name.replace('_', ' ')}" if payment.tax else ""
    typer.echo(f"Order {order.order_id} is {order.state.value}.")
    typer.echo(f"Payment {payment.payment_id}: {payment.amount:f} {payment.currency}{tax}.")


def _end(sentence: str, status: int) -> NoReturn:
    end_with(sentence, status=status)
