"""Asking for a refund: a row, written in the transaction of whoever asks. `refunding` gives the money back."""

from datetime import datetime
from decimal import Decimal

from haversack.clock import real_now
from haversack.database.engine import Session
from haversack.payments.queries.payments import add_refund, lock_payment, save_payment
from haversack.payments.records import Payment, Refund
from haversack.payments.rules import REFUND_REASON_LENGTH_MAX, refundable
from haversack.projects.records import Project

# Codes of the wire.
INTEGRATION_ERROR = 3
GAME_REQUEST = 10


async def add_refund_request(
    db: Session,
    payment: Payment,
    *,
    amount: Decimal,
    code: int,
    reason: str,
    author: str,
    now: datetime,
    is_partial: bool = False,
) -> Refund:
    """Ask for a part of a locked payment, or all of it. What is asked for counts as given back at once, so that nothing
    goes back twice; it counts no more where the provider refuses."""
    await save_payment(
        db,
        payment,
        state=payment.state,
        failure=payment.failure,
        refunded=payment.refunded + amount,
        real_now=real_now(),
    )
    return await add_refund(
        db,
        payment,
        amount=amount,
        code=code,
        reason=reason[:REFUND_REASON_LENGTH_MAX],
        author=author,
        is_partial=is_partial,
        now=now,
    )


async def ask_for_refund(db: Session, project: Project, payment_id: int, *, reason: str, now: datetime) -> bool:
    """Ask for all of a payment that has not gone back yet, in the caller's transaction; the sweep gives it. False where
    nothing is left. The caller has the player's turn."""
    payment = await lock_payment(db, project.project_id, payment_id)
    left = refundable(payment)
    if left <= 0:
        return False
    await add_refund_request(db, payment, amount=left, code=GAME_REQUEST, reason=reason, author="Haversack", now=now)
    return True
