"""Reads and writes of payments and refunds.

`changed_at` is the machine's time: it says whether the process that works on a payment may still be alive. All other
times are the project's.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
from sqlalchemy import Boolean, Interval, Text, bindparam, case, func, insert, literal_column, or_, select, update

from haversack.database.engine import Session
from haversack.errors import TRANSACTION_NOT_FOUND
from haversack.payments.records import CardFacts, Payment, PaymentState, PaymentToken, Refund, RefundState
from haversack.payments.rules import PAID
from haversack.payments.tables import payments, refunds
from haversack.projects.tables import projects

LISTED_AT_ONCE_MAX = 200

_ONE_PAYMENT = (payments.c.project_id == bindparam("project"), payments.c.payment_id == bindparam("payment"))
ADD_PAYMENT = (
    insert(payments)
    .values(
        project_id=bindparam("project"),
        order_id=bindparam("order"),
        token_hash=bindparam("token"),
        player_id=bindparam("player"),
        external_id=bindparam("external"),
        foreign_invoice=bindparam("foreign"),
        is_sandbox=bindparam("sandbox"),
        provider=bindparam("by"),
        state=PaymentState.CREATED,
        method=bindparam("way"),
        currency=bindparam("iso"),
        amount=bindparam("total"),
        tax=bindparam("taxed"),
        tax_percent=bindparam("percent"),
        tax_name=bindparam("tax_called"),
        country=bindparam("land"),
        email=bindparam("address"),
        zip=bindparam("postal"),
        created_at=bindparam("now"),
        changed_at=bindparam("real_now"),
    )
    .returning(payments)
)
FIND_PAYMENT = select(payments).where(*_ONE_PAYMENT)
LOCK_PAYMENT = FIND_PAYMENT.with_for_update()
FIND_BY_REFERENCE = select(payments).where(
    payments.c.project_id == bindparam("project"),
    payments.c.provider == bindparam("by"),
    payments.c.provider_reference == bindparam("reference"),
)
# Written out, so that the planner knows that the partial index serves.
_IS_OPEN = literal_column("payments.state IN ('created', 'processing')", Boolean)
_IS_PAID = or_(*(payments.c.state == state.value for state in PAID))
# What counts is the payment that money came in by; else the last one tried.
_COUNTS_FIRST = (case((_IS_PAID, 0), else_=1), payments.c.payment_id.desc())
LIST_OF_ORDER = (
    select(payments)
    .where(payments.c.project_id == bindparam("project"), payments.c.order_id == bindparam("order"))
    .order_by(*_COUNTS_FIRST)
    .limit(LISTED_AT_ONCE_MAX)
)
LIST_OF_TOKEN = (
    select(payments)
    .where(payments.c.project_id == bindparam("project"), payments.c.token_hash == bindparam("token"))
    .order_by(*_COUNTS_FIRST)
    .limit(LISTED_AT_ONCE_MAX)
)
SAVE_PAYMENT = (
    update(payments)
    .where(*_ONE_PAYMENT)
    .values(
        state=bindparam("to_state"),
        provider_reference=func.coalesce(bindparam("reference", type_=Text), payments.c.provider_reference),
        card_brand=func.coalesce(bindparam("brand", type_=Text), payments.c.card_brand),
        card_suffix=func.coalesce(bindparam("suffix", type_=Text), payments.c.card_suffix),
        failure=bindparam("reason", type_=Text),
        paid_at=bindparam("paid", type_=payments.c.paid_at.type),
        refunded=bindparam("given_back", type_=payments.c.amount.type),
        changed_at=bindparam("real_now"),
    )
    .returning(payments)
)
TOUCH_PAYMENT = update(payments).where(*_ONE_PAYMENT).values(changed_at=bindparam("real_now"))
# The older a payment is, the less often its provider is asked.
_PAUSE = func.least(
    func.greatest((payments.c.changed_at - payments.c.created_at) / 10, bindparam("shortest", type_=Interval)),
    bindparam("longest", type_=Interval),
)
LIST_OPEN = (
    select(payments)
    .where(_IS_OPEN, payments.c.changed_at + _PAUSE < bindparam("real_now"))
    .order_by(payments.c.changed_at)
    .limit(LISTED_AT_ONCE_MAX)
)
# The id of a transaction is unique in a project; a merchant's call names no project, and ids come from one sequence.
FIND_TRANSACTION = (
    select(payments)
    .join(projects, projects.c.project_id == payments.c.project_id)
    .where(
        payments.c.payment_id == bindparam("payment"),
        projects.c.merchant_id == bindparam("merchant"),
        or_(
            bindparam("one_project", type_=payments.c.project_id.type).is_(None),
            payments.c.project_id == bindparam("one_project"),
        ),
    )
)

ADD_REFUND = (
    insert(refunds)
    .values(
        project_id=bindparam("project"),
        payment_id=bindparam("payment"),
        amount=bindparam("given_back"),
        code=bindparam("coded"),
        reason=bindparam("because"),
        author=bindparam("by"),
        is_partial=bindparam("part"),
        state=RefundState.PENDING,
        created_at=bindparam("now"),
    )
    .returning(refunds)
)
_ONE_REFUND = (refunds.c.project_id == bindparam("project"), refunds.c.refund_id == bindparam("refund"))
LOCK_REFUND = select(refunds).where(*_ONE_REFUND).with_for_update()
LIST_REFUNDS = (
    select(refunds)
    .where(refunds.c.project_id == bindparam("project"), refunds.c.payment_id == bindparam("payment"))
    .order_by(refunds.c.refund_id)
)
SAVE_REFUND = (
    update(refunds)
    .where(*_ONE_REFUND)
    .values(state=bindparam("to_state"), provider_reference=bindparam("reference"), failure=bindparam("reason"))
)
LIST_PENDING_REFUNDS = (
    select(refunds)
    .join(
        payments,
        (payments.c.project_id == refunds.c.project_id) & (payments.c.payment_id == refunds.c.payment_id),
    )
    .where(refunds.c.state == "pending", payments.c.changed_at < bindparam("before"))
    .order_by(refunds.c.refund_id)
    .limit(LISTED_AT_ONCE_MAX)
)


def _payment(row: asyncpg.Record) -> Payment:
    return Payment(**{**row, "state": PaymentState(row["state"])})


def _refund(row: asyncpg.Record) -> Refund:
    return Refund(
        refund_id=row["refund_id"],
        payment_id=row["payment_id"],
        amount=row["amount"],
        code=row["code"],
        reason=row["reason"],
        author=row["author"],
        created_at=row["created_at"],
        is_partial=row["is_partial"],
        state=RefundState(row["state"]),
        failure=row["failure"],
    )


async def add_payment(
    db: Session,
    token: PaymentToken,
    *,
    provider: str,
    method: str,
    is_sandbox: bool,
    currency: str,
    amount: Decimal,
    tax: Decimal,
    tax_percent: Decimal,
    tax_name: str,
    country: str | None,
    email: str | None,
    zip_code: str | None,
    now: datetime,
    real_now: datetime,
) -> Payment:
    """Begin a payment of what a token pays for; `amount` has the tax in it."""
    row = await db.fetch_one(
        ADD_PAYMENT,
        project=token.project_id,
        order=token.order_id,
        token=token.token_hash,
        player=token.player_id,
        external=token.external_id,
        foreign=token.settings.get("external_id"),
        sandbox=is_sandbox,
        by=provider,
        way=method,
        iso=currency,
        total=amount,
        taxed=tax,
        percent=tax_percent,
        tax_called=tax_name,
        land=country,
        address=email,
        postal=zip_code,
        now=now,
        real_now=real_now,
    )
    assert row is not None
    return _payment(row)


async def find_payment(db: Session, project_id: int, payment_id: int) -> Payment | None:
    """The payment, or None."""
    row = await db.fetch_one(FIND_PAYMENT, project=project_id, payment=payment_id)
    return None if row is None else _payment(row)


async def lock_payment(db: Session, project_id: int, payment_id: int) -> Payment:
    """The payment, which exists, locked. Whoever locks its order too has the turn of the order's player: not all take
    the two in one order."""
    row = await db.fetch_one(LOCK_PAYMENT, project=project_id, payment=payment_id)
    assert row is not None, f"project {project_id} has no payment {payment_id}"
    return _payment(row)


async def find_payment_by_reference(db: Session, project_id: int, provider: str, reference: str) -> Payment | None:
    """The payment that a provider knows by this name."""
    row = await db.fetch_one(FIND_BY_REFERENCE, project=project_id, by=provider, reference=reference)
    return None if row is None else _payment(row)


async def list_payments(db: Session, token: PaymentToken) -> list[Payment]:
    """The payments of a token's order or purchase: what was paid first, then the newest."""
    if token.order_id is not None:
        rows = await db.fetch_all(LIST_OF_ORDER, project=token.project_id, order=token.order_id)
    else:
        rows = await db.fetch_all(LIST_OF_TOKEN, project=token.project_id, token=token.token_hash)
    return [_payment(row) for row in rows]


async def save_payment(
    db: Session,
    payment: Payment,
    *,
    state: PaymentState,
    real_now: datetime,
    reference: str | None = None,
    card: CardFacts | None = None,
    failure: str | None = None,
    paid_at: datetime | None = None,
    refunded: Decimal | None = None,
) -> Payment:
    """Write where a locked payment stands now. Reference, card, time and refunded sum stay where they are not given."""
    row = await db.fetch_one(
        SAVE_PAYMENT,
        project=payment.project_id,
        payment=payment.payment_id,
        to_state=state,
        reference=reference,
        brand=None if card is None else card.brand,
        suffix=None if card is None else card.suffix,
        reason=failure,
        paid=paid_at or payment.paid_at,
        given_back=payment.refunded if refunded is None else refunded,
        real_now=real_now,
    )
    assert row is not None
    return _payment(row)


async def touch_payment(db: Session, payment: Payment, *, real_now: datetime) -> None:
    """Say that somebody has just looked after the payment."""
    await db.execute(TOUCH_PAYMENT, project=payment.project_id, payment=payment.payment_id, real_now=real_now)


async def list_open_payments(
    db: Session, *, real_now: datetime, shortest: timedelta, longest: timedelta
) -> list[Payment]:
    """Payments of all projects whose end is unknown and that nobody has looked after for a while: between the two
    times, by their age."""
    rows = await db.fetch_all(LIST_OPEN, real_now=real_now, shortest=shortest, longest=longest)
    return [_payment(row) for row in rows]


async def get_transaction(db: Session, *, merchant_id: int, project_id: int | None, transaction_id: int) -> Payment:
    """A payment of a merchant, or of one of its projects; TRANSACTION_NOT_FOUND."""
    row = await db.fetch_one(FIND_TRANSACTION, payment=transaction_id, merchant=merchant_id, one_project=project_id)
    if row is None:
        raise TRANSACTION_NOT_FOUND(transaction_id=transaction_id)
    return _payment(row)


async def add_refund(
    db: Session,
    payment: Payment,
    *,
    amount: Decimal,
    code: int,
    reason: str,
    author: str,
    is_partial: bool,
    now: datetime,
) -> Refund:
    """Ask for a refund."""
    row = await db.fetch_one(
        ADD_REFUND,
        project=payment.project_id,
        payment=payment.payment_id,
        given_back=amount,
        coded=code,
        because=reason,
        by=author,
        part=is_partial,
        now=now,
    )
    assert row is not None
    return _refund(row)


async def lock_refund(db: Session, project_id: int, refund_id: int) -> Refund:
    """The refund, which exists, locked. Its payment is locked before it."""
    row = await db.fetch_one(LOCK_REFUND, project=project_id, refund=refund_id)
    assert row is not None, f"project {project_id} has no refund {refund_id}"
    return _refund(row)


async def list_refunds(db: Session, project_id: int, payment_id: int) -> list[Refund]:
    """The refunds of a payment, the oldest first."""
    return [_refund(row) for row in await db.fetch_all(LIST_REFUNDS, project=project_id, payment=payment_id)]


async def save_refund(
    db: Session,
    project_id: int,
    refund_id: int,
    *,
    state: RefundState,
    reference: str | None = None,
    failure: str | None = None,
) -> None:
    """Write what became of a refund."""
    await db.execute(
        SAVE_REFUND, project=project_id, refund=refund_id, to_state=state, reference=reference, reason=failure
    )


async def list_pending_refunds(db: Session, *, before: datetime) -> list[tuple[int, Refund]]:
    """Refunds of all projects that were asked for, with their projects; nobody has looked after them since a moment."""
    return [(row["project_id"], _refund(row)) for row in await db.fetch_all(LIST_PENDING_REFUNDS, before=before)]
