"""R31: whatever is paid and however, no card number stands in the database or in the log afterwards."""

import logging
import re

import httpx
import pytest

from haversack.context import Context
from haversack.payments import paying
from haversack.payments.outcomes import ThreeDSecure
from haversack.payments.page.rules import passes_luhn
from haversack.payments.providers.test_cards import BY_NUMBER, TEST_CARDS
from haversack.payments.sweeping import sweep_payments
from make.orders import make_buyer
from make.payments import card, leave_alone, make_payable
from make.projects import Studio

# A number of a real range that passes the check and is in no list.
REAL_LOOKING = "4539578763621486"
CVV = "90210123"
# Digits in the midst of a hash or an id in hexadecimal are no number of their own.
DIGITS = re.compile(rb"(?<![0-9a-fA-F])\d(?:[ -]?\d){12,18}(?![0-9a-fA-F])")
TABLES_OF_PROJECT = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name = 'project_id' ORDER BY table_name
"""


def card_numbers(text: bytes) -> set[str]:
    """What could be a card number: 13 to 19 digits whose last one checks the others."""
    found = {re.sub(rb"[ -]", b"", match).decode() for match in DIGITS.findall(text)}
    return {number for number in found if passes_luhn(number) and (number in BY_NUMBER or number[0] in "3456")}


def test_the_search_finds_card_numbers() -> None:
    assert card_numbers(b'{"card": "4111 1111 1111 1111"} 4539578763621486;4111111111111112') == {
        "4111111111111111",
        REAL_LOOKING,
    }


async def dump(studio: Studio) -> bytes:
    """Every row that belongs to the project, as text."""
    rows: list[bytes] = []
    async with studio.context.database.connection() as connection:
        tables = [row["table_name"] for row in await connection.fetch(TABLES_OF_PROJECT)]
        for table in tables:
            for row in await connection.fetch(f'SELECT * FROM "{table}" WHERE project_id = $1', studio.project_id):
                # Events are kept as bytes; everything else is read as PostgreSQL would print it.
                rows += [value if isinstance(value, bytes) else str(value).encode() for value in row.values()]
    assert "payments" in tables
    return b"\n".join(rows)


async def test_no_card_number_is_kept(
    client: httpx.AsyncClient, context: Context, studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    buyer = await make_buyer(studio)
    for number in (*[each.number for each in TEST_CARDS], REAL_LOOKING):
        purchase = await make_payable(client, buyer)
        session = await purchase.open()
        typed = card(number, cvv=CVV)
        outcome = await paying.pay_by_card(context, session, typed, email=None, save=True, client_ip=None)
        if isinstance(outcome, ThreeDSecure):
            session = await purchase.open()
            await paying.confirm_three_d_secure(context, session, outcome.challenge_id, outcome.code)
    await leave_alone(studio)
    await sweep_payments(context)
    stored = await dump(studio)
    assert b"1111" in stored.split(b"\n")
    assert card_numbers(stored) == set()
    assert CVV.encode() not in stored
    logged = "\n".join(record.getMessage() for record in caplog.records).encode()
    assert b"payment" in logged
    assert card_numbers(logged) == set()
    assert CVV.encode() not in logged
