"""What is done while the database has a statement in hand."""

import asyncio

from haversack.context import Context
from haversack.database.engine import meanwhile


async def test_the_work_is_done_while_the_statement_is_waited_for() -> None:
    done = asyncio.Event()

    async def statement() -> str:
        async with asyncio.timeout(10):
            await done.wait()
        return "its row"

    assert await meanwhile(statement(), done.set) == "its row"


async def test_the_work_is_left_out_where_nothing_is_waited_for() -> None:
    worked: list[bool] = []

    async def statement() -> str:
        return "its row"

    assert await meanwhile(statement(), lambda: worked.append(True)) == "its row"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert worked == []


async def test_a_real_statement_leaves_the_time_for_it(context: Context) -> None:
    worked: list[bool] = []
    async with context.database.connection() as connection:
        assert await meanwhile(connection.fetchval("SELECT 1"), lambda: worked.append(True)) == 1
    assert worked == [True]
