"""update-webhook: what may be set, and what is refused without a change."""

from typing import Any

import httpx
import pytest

from haversack.context import Context
from haversack.database.schema import whole_metadata
from haversack.webhooks.queries.endpoints import find_endpoint
from haversack.webhooks.records import Purpose
from make.projects import Studio

BODY = {"url": "http://127.0.0.1:8099/webhook", "secret": "of the game", "is_enabled": True}


def path(studio: Studio) -> str:
    return f"/api/v2/project/{studio.project_id}/admin/webhook"


async def test_update_webhook_sets_and_replaces(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    assert (await client.put(path(studio), auth=studio.basic, json={**BODY, "version": 2})).status_code == 204
    later = {"url": "http://127.0.0.1:8098/other", "secret": "another", "is_enabled": False}
    reply = await client.put(path(studio), auth=studio.basic, json=later)
    assert reply.status_code == 204
    assert reply.content == b""
    endpoint = await find_endpoint(context.database.session(), context.sealer, studio.project_id, Purpose.STORE)
    assert endpoint is not None
    assert (endpoint.url, endpoint.secret, endpoint.is_enabled) == ("http://127.0.0.1:8098/other", "another", False)
    assert endpoint.version == 2, "a version that was not named stays"
    assert endpoint.previous_secret == "of the game"


async def test_leaves_a_row_in_the_audit(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    assert (await client.put(path(studio), auth=studio.basic, json=BODY)).status_code == 204
    async with context.database.connection() as connection:
        rows = await connection.fetch("SELECT * FROM audit_entries WHERE project_id = $1", studio.project_id)
    assert [row["sentence"] for row in rows] == ["webhook settings changed"]
    assert "of the game" not in str(rows)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "not a url"}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"url": "https://user:pass@example.com/"}, "url"),
        ({"url": "https://example.com/" + "a" * 2048}, "url"),
        ({"url": None}, "url"),
        ({"url": 7}, "url"),
        ({"secret": ""}, "secret"),
        ({"secret": "s" * 256}, "secret"),
        ({"secret": "a\x00b"}, "secret"),
        ({"is_enabled": "perhaps"}, "is_enabled"),
        ({"version": 3}, "version"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_refused_without_a_change(
    client: httpx.AsyncClient, studio: Studio, context: Context, change: dict[str, Any], field: str
) -> None:
    reply = await client.put(path(studio), auth=studio.basic, json={**BODY, **change})
    assert reply.status_code == 422
    assert reply.json()["errorCode"] == 1102
    assert field in reply.json()["errorMessage"]
    assert await find_endpoint(context.database.session(), context.sealer, studio.project_id, Purpose.STORE) is None


@pytest.mark.parametrize("missing", ["url", "secret", "is_enabled"])
async def test_every_field_is_needed(client: httpx.AsyncClient, studio: Studio, missing: str) -> None:
    body = {name: value for name, value in BODY.items() if name != missing}
    reply = await client.put(path(studio), auth=studio.basic, json=body)
    assert reply.status_code == 422
    assert missing in reply.json()["errorMessage"]


async def test_all_faulty_fields_are_named_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await client.put(path(studio), auth=studio.basic, json={"url": "", "is_enabled": 5, "version": 9})
    named = {fault["property"] for fault in reply.json()["errorMessageExtended"]}
    assert named == {"url", "secret", "is_enabled", "version"}


async def test_another_projects_key_changes_nothing(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context
) -> None:
    reply = await client.put(path(studio), auth=other_studio.basic, json=BODY)
    assert reply.status_code == 401
    assert await find_endpoint(context.database.session(), context.sealer, studio.project_id, Purpose.STORE) is None


async def test_an_idempotency_key_is_honoured(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = {"Idempotency-Key": "webhook-1"}
    for _ in range(2):
        reply = await client.put(path(studio), auth=studio.basic, json=BODY, headers=headers)
        assert reply.status_code == 204
    assert reply.headers["Idempotency-Replayed"] == "true"
    other = await client.put(path(studio), auth=studio.basic, json={**BODY, "secret": "x"}, headers=headers)
    assert other.status_code == 422


async def test_a_project_deleted_a_moment_ago(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    """Processes remember projects; the row itself decides."""
    assert (await client.get(path(studio), auth=studio.basic)).status_code == 404
    async with context.database.connection() as connection, connection.transaction():
        for table in reversed(whole_metadata().sorted_tables):
            if "project_id" not in table.c:
                continue
            # Ledgers forbid the statement itself; a fresh project has nothing in them.
            count = await connection.fetchval(
                f"SELECT count(*) FROM {table.name} WHERE project_id = $1", studio.project_id
            )
            if count:
                await connection.execute(f"DELETE FROM {table.name} WHERE project_id = $1", studio.project_id)
    reply = await client.put(path(studio), auth=studio.basic, json=BODY)
    assert reply.status_code == 404
    assert str(studio.project_id) in reply.json()["errorMessage"]
