"""Moves the clocks of projects as studios do, and looks at every row that a project has."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx

from haversack.clocks.snapshots import PROJECTS, kept_tables
from haversack.context import Context
from make.projects import Studio


def clock_path(studio: Studio, rest: str = "") -> str:
    """Where a studio moves its project's clock."""
    return f"/api/v2/project/{studio.project_id}/admin/clock{rest}"


async def freeze(client: httpx.AsyncClient, studio: Studio) -> datetime:
    """Let the project's time stand still; when."""
    reply = await client.put(clock_path(studio, "/freeze"), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    assert reply.json()["is_frozen"]
    return datetime.fromisoformat(reply.json()["now"])


async def jump(client: httpx.AsyncClient, studio: Studio, to: datetime) -> list[tuple[datetime, str]]:
    """Move the project's time; what fell due on the way, and when. A busy machine may need several calls."""
    passed: list[tuple[datetime, str]] = []
    while True:
        reply = await client.put(clock_path(studio, "/jump"), json={"to": to.isoformat()}, auth=studio.basic)
        assert reply.status_code == 200, reply.text
        answered = reply.json()
        passed += _told(answered)
        if answered["has_arrived"]:
            return passed


async def step(client: httpx.AsyncClient, studio: Studio, by: timedelta | None = None) -> list[tuple[datetime, str]]:
    """Move the project's time by a length, or to what is due next."""
    body: dict[str, Any] = {} if by is None else {"seconds": int(by.total_seconds())}
    return _passed(await client.post(clock_path(studio, "/step"), json=body, auth=studio.basic))


async def go_back(client: httpx.AsyncClient, studio: Studio) -> None:
    """Make the project what it was."""
    reply = await client.put(clock_path(studio, "/back"), auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b""), reply.text


async def now_of(client: httpx.AsyncClient, studio: Studio) -> datetime:
    """The project's time, as its clock says it."""
    reply = await client.get(clock_path(studio), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    return datetime.fromisoformat(reply.json()["now"])


async def rows_of(context: Context, project_id: int) -> dict[str, list[str]]:
    """Every row of a project that a freeze keeps, as PostgreSQL writes them, by table."""
    found: dict[str, list[str]] = {}
    async with context.database.connection() as connection:
        for name in (*(table.name for table in kept_tables()), PROJECTS):
            rows: list[asyncpg.Record] = await connection.fetch(
                f'SELECT CAST(kept AS text) AS row FROM "{name}" AS kept WHERE project_id = $1 ORDER BY 1', project_id
            )
            found[name] = [row["row"] for row in rows]
    return found


def _passed(reply: httpx.Response) -> list[tuple[datetime, str]]:
    assert reply.status_code == 200, reply.text
    answered = reply.json()
    assert answered["has_arrived"]
    return _told(answered)


def _told(answered: dict[str, Any]) -> list[tuple[datetime, str]]:
    return [(datetime.fromisoformat(each["at"]), each["what"]) for each in answered["passed"]]
