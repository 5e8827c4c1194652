"""A process for the crash tests of payments: pays, or refunds, and stands still at a chosen place until it is killed.

Run as: paying_process.py TOKEN CARD PLACE, with the settings in the environment. It prints the place when it is there.
PLACE is one of the steps of the provider below, `record` (it says so, and goes on into the transaction), or `done`.
"""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from haversack.context import open_context
from haversack.payments import paying
from haversack.payments.providers import Charge, RefundAnswer, Source, choosing
from haversack.payments.providers.sandbox import Sandbox
from haversack.payments.records import CardDetails, Payment, Refund
from haversack.payments.refunding import refund_payment
from haversack.settings import Settings

PLACE = sys.argv[3]


async def come_to(place: str) -> None:
    """Say that the process is here, and go no further where it is to stop."""
    if place != PLACE:
        return
    print(place, flush=True)
    if place != "record":
        await asyncio.Event().wait()


class StoppingSandbox(Sandbox):
    """The sandbox, with a place to stop before and after each of its steps."""

    async def create(self, payment: Payment, *, saves_card: bool) -> Charge:
        """Make the charge of a payment."""
        await come_to("before_create")
        charge = await super().create(payment, saves_card=saves_card)
        await come_to("after_create")
        return charge

    async def confirm(self, payment: Payment, source: Source) -> Charge:
        """Do what the test card says."""
        await come_to("before_confirm")
        charge = await super().confirm(payment, source)
        await come_to("after_confirm")
        await come_to("record")
        return charge

    async def refund(self, payment: Payment, refund: Refund) -> RefundAnswer:
        """Write down that money went back."""
        await come_to("before_refund")
        answer = await super().refund(payment, refund)
        await come_to("after_refund")
        return answer


async def nothing_more() -> None:
    """Nobody waits for the answer to a request."""


async def main() -> None:
    """Pay, and refund where that is what stops."""
    choosing.Sandbox = StoppingSandbox  # type: ignore[misc]
    token, number = sys.argv[1:3]
    async with open_context(Settings(_env_file=None)) as context:  # type: ignore[call-arg]
        session = await paying.open_session(context, token)
        card = CardDetails(number=number, expiry_month=12, expiry_year=2040, cvv="123")
        outcome = await paying.pay_by_card(context, session, card, email=None, save=False, client_ip=None)
        if isinstance(outcome, paying.Done) and PLACE.endswith("_refund"):
            await refund_payment(
                context,
                context.database.session(),
                session.project,
                outcome.payment,
                amount=None,
                code=1,
                reason="asked for",
                author="test",
                caller="test",
                request_id="test",
                when_asked=nothing_more,
            )
        await come_to("done")


if __name__ == "__main__":
    asyncio.run(main())
