"""Statements over many codes are served by indexes, whatever their parameters: nothing reads a row for each code."""

from typing import Any

import pytest
from sqlalchemy import Executable

from haversack.catalog.items.queries import COUNT_CODES
from haversack.catalog.read_model.queries import LIST_POOLS
from haversack.context import Context
from haversack.database.engine import compiled


async def _plan(context: Context, statement: Executable, values: dict[str, Any]) -> str:
    """How PostgreSQL runs a statement whose parameters it does not know, on an empty table with the partial indexes of
    codes alone: what other tests have left behind, and other indexes, have no say."""
    query = compiled(statement)
    async with context.database.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        definitions = await connection.fetch(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'key_codes' AND indexname LIKE 'ix%'"
        )
        await connection.execute("CREATE TEMPORARY TABLE key_codes (LIKE public.key_codes) ON COMMIT DROP")
        for (definition,) in definitions:
            await connection.execute(definition.replace("public.key_codes", "pg_temp.key_codes"))
        # As the pool's connections prepare it; by itself EXPLAIN would know the values.
        await connection.execute(f"PREPARE asked AS {query.sql}")
        rows = await connection.fetch(f"EXPLAIN EXECUTE asked({', '.join(map(repr, query.arguments(values)))})")
        await connection.execute("DEALLOCATE asked")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("statement", "values", "indexes"),
    [
        (LIST_POOLS, {"project": 1}, ["ix_key_codes_available"]),
        (COUNT_CODES, {"project": 1, "ids": "{1}"}, ["ix_key_codes_available", "ix_key_codes_gone"]),
    ],
    ids=["free codes of pools", "counts"],
)
async def test_codes_are_read_from_their_indexes(
    context: Context, statement: Executable, values: dict[str, Any], indexes: list[str]
) -> None:
    plan = await _plan(context, statement, values)
    for index in indexes:
        assert f"Index Only Scan using {index} on key_codes" in plan, plan
    others = [line for line in plan.splitlines() if " on key_codes" in line and not any(i in line for i in indexes)]
    assert not others, plan
