"""The sandbox: a provider that moves no money and does what its test cards say, with books of its own.

It keeps its charges in a table, in transactions of its own, as any provider keeps them at home: a process that dies
between two steps of a payment finds afterwards what became of its charge.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import DateTime, Text, bindparam, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from haversack.context import Context
from haversack.payments.providers import (
    CardEntry,
    Charge,
    ChargeState,
    KnownCard,
    NewCard,
    ProviderAway,
    RefundAnswer,
    RefundAnswerState,
    Source,
    Wallet,
)
from haversack.payments.providers.test_cards import BY_NAME, BY_NUMBER, CHALLENGE_CODE, Behaviour, TestCard
from haversack.payments.records import CardDetails, CardFacts, Payment, Refund
from haversack.payments.rules import MethodKind
from haversack.payments.tables import sandbox_charges as charges
from haversack.projects.records import Project

NAME = "sandbox"
LATE_BY = timedelta(seconds=10)
# What the documentation says that test cards have; kept for saved ones.
EXPIRY = (12, 2040)
CHALLENGE_FAILED = "3-D Secure: the code is wrong."
UNKNOWN_CARD = "This is the sandbox: it takes test cards only, and never a real one. docs/payments.md lists them."

_ONE = (charges.c.project_id == bindparam("project"), charges.c.payment_id == bindparam("payment"))
ADD_CHARGE = (
    insert(charges)
    .values(
        project_id=bindparam("project"),
        charge_id=bindparam("charge"),
        payment_id=bindparam("payment"),
        currency=bindparam("iso"),
        amount=bindparam("total"),
        state="open",
        saves_card=bindparam("saves"),
        created_at=bindparam("now"),
    )
    .on_conflict_do_nothing(index_elements=["project_id", "payment_id"])
)
FIND_CHARGE = select(charges).where(*_ONE)
# Each step is taken once: who finds the charge elsewhere is told where it is.
MOVE_CHARGE = (
    update(charges)
    .where(*_ONE, charges.c.state == bindparam("from_state"))
    .values(
        state=bindparam("to_state"),
        reason=bindparam("because", type_=Text),
        test_card=func.coalesce(bindparam("card", type_=Text), charges.c.test_card),
        settles_at=bindparam("settles", type_=DateTime(timezone=True)),
    )
)
SETTLE_LATE = (
    update(charges)
    .where(*_ONE, charges.c.state == "pending", charges.c.settles_at <= bindparam("now"))
    .values(state="succeeded")
)
CANCEL_CHARGE = (
    update(charges)
    .where(*_ONE, or_(*(charges.c.state == state for state in ("open", "challenge", "pending"))))
    .values(state=case((charges.c.settles_at <= bindparam("now"), "succeeded"), else_="canceled"))
)
# The sum of the refunds that are known, so that a repeat gives nothing twice.
GIVE_BACK = (
    update(charges)
    .where(*_ONE, charges.c.state == "succeeded", charges.c.refunded < bindparam("in_all"))
    .values(refunded=bindparam("in_all"))
)


class Sandbox:
    """The provider of sandbox orders and projects."""

    name = NAME
    entry = CardEntry.OUR_PAGE
    methods: tuple[MethodKind, ...] = tuple(MethodKind)
    publishable_key = None

    def __init__(self, context: Context, project: Project) -> None:
        self._database = context.database
        self._project = project

    def takes(self, amount: Decimal, currency: str) -> bool:
        """It takes any sum."""
        return True

    def check_card(self, card: CardDetails, *, now: datetime) -> dict[str, str]:
        """Why a typed card is not taken at all: sentences by field."""
        faults = {}
        if card.number not in BY_NUMBER:
            faults["number"] = UNKNOWN_CARD
        if (card.expiry_year, card.expiry_month) < (now.year, now.month):
            faults["expiry"] = "This card has expired. Test cards are good until 12/40."
        return faults

    async def create(self, payment: Payment, *, saves_card: bool) -> Charge:
        """Make the charge of a payment. No money moves, here or later."""
        await self._run(
            ADD_CHARGE,
            payment,
            charge=uuid4(),
            iso=payment.currency,
            total=payment.amount,
            saves=saves_card,
            now=self._project.clock.now(),
        )
        return await self.find(payment)

    async def confirm(self, payment: Payment, source: Source) -> Charge:
        """Do what the test card says. Wallets succeed."""
        card = _card_of(source)
        behaviour = card.behaviour if card is not None else Behaviour.SUCCEEDS
        to_state, settles_at = ChargeState.SUCCEEDED, None
        if behaviour is Behaviour.DECLINES:
            to_state = ChargeState.DECLINED
        elif behaviour is Behaviour.CHALLENGES:
            to_state = ChargeState.CHALLENGE
        elif behaviour in (Behaviour.ANSWERS_LATE, Behaviour.NEVER_ANSWERS):
            to_state = ChargeState.PENDING
        if behaviour is Behaviour.ANSWERS_LATE:
            settles_at = self._project.clock.now() + LATE_BY
        await self._run(
            MOVE_CHARGE,
            payment,
            from_state=ChargeState.OPEN,
            to_state=to_state,
            because=None if card is None else card.reason,
            card=None if card is None else card.name,
            settles=settles_at,
        )
        if behaviour is Behaviour.ANSWER_IS_LOST:
            raise ProviderAway("the sandbox lost its answer on purpose")
        return await self.find(payment)

    async def answer_challenge(self, payment: Payment, challenge_id: str, code: str) -> Charge:
        """Go on after the 3-D Secure step: the right code succeeds, any other ends the charge."""
        found = await self.find(payment)
        if found.state is ChargeState.CHALLENGE and found.challenge_id == challenge_id:
            is_right = code.strip() == CHALLENGE_CODE
            await self._run(
                MOVE_CHARGE,
                payment,
                from_state=ChargeState.CHALLENGE,
                to_state=ChargeState.SUCCEEDED if is_right else ChargeState.DECLINED,
                because=None if is_right else CHALLENGE_FAILED,
            )
        return await self.find(payment)

    async def find(self, payment: Payment) -> Charge:
        """What has become of the charge of a payment."""
        await self._run(SETTLE_LATE, payment, now=self._project.clock.now())
        row = await self._database.session().fetch_one(
            FIND_CHARGE, project=payment.project_id, payment=payment.payment_id
        )
        if row is None:
            return Charge(reference=payment.provider_reference or "", state=ChargeState.UNKNOWN)
        return _charge(row)

    async def cancel(self, payment: Payment) -> Charge:
        """End the charge if it can still be ended; what it is then."""
        await self._run(CANCEL_CHARGE, payment, now=self._project.clock.now())
        return await self.find(payment)

    async def refund(self, payment: Payment, refund: Refund) -> RefundAnswer:
        """Write down that money went back. The payment knows what has gone back in all, this refund included."""
        row = await self._database.session().fetch_one(
            FIND_CHARGE, project=payment.project_id, payment=payment.payment_id
        )
        card = None if row is None else BY_NAME.get(row["test_card"] or "")
        if row is None or row["state"] != ChargeState.SUCCEEDED:
            return RefundAnswer(state=RefundAnswerState.REFUSED, reason="There is no such charge.")
        if card is not None and card.behaviour is Behaviour.REFUSES_REFUNDS:
            return RefundAnswer(state=RefundAnswerState.REFUSED, reason="The test card takes no refunds.")
        await self._run(GIVE_BACK, payment, in_all=payment.refunded)
        return RefundAnswer(state=RefundAnswerState.DONE, reference=f"sandbox-refund-{refund.refund_id}")

    async def _run(self, statement: Any, payment: Payment, **values: Any) -> None:
        await self._database.session().execute(
            statement, project=payment.project_id, payment=payment.payment_id, **values
        )


def _card_of(source: Source) -> TestCard | None:
    match source:
        case NewCard(details):
            return BY_NUMBER[details.number]
        case KnownCard(reference):
            return BY_NAME[reference]
        case Wallet():
            return None


def _charge(row: asyncpg.Record) -> Charge:
    card = BY_NAME.get(row["test_card"] or "")
    charge_id: UUID = row["charge_id"]
    state = ChargeState(row["state"])
    facts = None
    if card is not None:
        month, year = EXPIRY
        facts = CardFacts(brand=card.brand, suffix=card.number[-4:], expiry_month=month, expiry_year=year)
    repeats = card is not None and card.behaviour is Behaviour.ANSWERS_TWICE
    return Charge(
        reference=charge_id.hex,
        state=state,
        reason=row["reason"],
        card=facts,
        challenge_id=charge_id.hex if state is ChargeState.CHALLENGE else None,
        saved_reference=card.name if card is not None and row["saves_card"] else None,
        told_times=2 if repeats and state is ChargeState.SUCCEEDED else 1,
    )
