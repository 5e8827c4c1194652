"""Refunds broken off at each of their statements: a repeat with the same Idempotency-Key gives nothing twice."""

import httpx
import pytest

from haversack.context import Context
from haversack.payments.sweeping import sweep_payments
from make.orders import make_buyer
from make.payments import leave_alone, make_payable
from make.projects import Studio, make_studio
from simulation.breaking import How, Plan
from simulation.talking import Talk

# As if the request that holds the key had been gone for long.
FORGET = "UPDATE idempotency_keys SET locked_until = now() - interval '1 s' WHERE locked_until IS NOT NULL"
REFUNDED = "SELECT refunded FROM payments WHERE project_id = $1 AND payment_id = $2"
GIVEN = "SELECT refunded FROM sandbox_charges WHERE project_id = $1 AND payment_id = $2"
STATEMENTS_MAX = 60


@pytest.mark.parametrize(("how", "part"), [(How.AFTER, None), *((how, "3.00") for how in How)])
async def test_request_refund_broken_off_anywhere(
    breakable_client: httpx.AsyncClient, breakable_context: Context, how: How, part: str | None
) -> None:
    studio = await make_studio(breakable_context)
    for at in range(1, STATEMENTS_MAX):
        if not await _was_broken_off(breakable_client, studio, Plan(how, at), part):
            assert at > 10, "a refund has more statements than that"
            return
    raise AssertionError("a refund does not come to its end")


async def _was_broken_off(client: httpx.AsyncClient, studio: Studio, plan: Plan, part: str | None) -> bool:
    context = studio.context
    purchase = await make_payable(client, await make_buyer(studio), amount=9.99)
    await purchase.pay()
    payment = await purchase.payment()
    word, body = ("refund", {}) if part is None else ("partial_refund", {"refund_amount": part})
    path = f"/merchant/v2/merchants/{studio.merchant_id}/reports/transactions/{payment.payment_id}/{word}"
    options = {
        "json": {"description": "the player asked for it", **body},
        "auth": studio.basic,
        "headers": {"Idempotency-Key": f"{plan.how} {plan.at}"},
    }
    reply = await Talk(client).send("PUT", path, plan=plan, **options)
    if reply is None:
        async with context.database.connection() as connection:
            await connection.execute(FORGET)
        reply = await Talk(client).send("PUT", path, **options)
    assert reply is not None and reply.status_code == 200, f"{plan.how} {plan.at}: {reply and reply.text}"
    await leave_alone(studio)
    await sweep_payments(context)
    async with context.database.connection() as connection:
        of = (studio.project_id, payment.payment_id)
        found = [str(await connection.fetchval(sql, *of)) for sql in (REFUNDED, GIVEN)]
    assert [each[:4] for each in found] == [part or "9.99"] * 2, f"{plan.how} {plan.at}: {found}"
    return plan.has_broken
