"""What has expired is removed, and nothing else is."""

from datetime import timedelta
from uuid import uuid4

import httpx

from haversack.clock import real_now
from haversack.context import Context
from haversack.login.actions import prune_expired
from make.login import code_query, device_body, make_public_client, register, sign_in
from make.projects import Studio

TABLES = ("authorization_codes", "refresh_tokens", "revoked_tokens", "linking_codes", "login_attempts")


async def _count(context: Context, studio: Studio) -> dict[str, int]:
    async with context.database.connection() as connection:
        return {
            table: await connection.fetchval(
                f"SELECT count(*) FROM {table} WHERE login_project_id = $1", studio.login_project_id
            )
            for table in TABLES
        }


async def test_expired_rows_are_removed(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    client_id = await make_public_client(studio)
    account = await register(client, client_id)
    tokens = await sign_in(client, client_id, account, scope="offline")
    await client.post("/api/oauth2/login/device/ios", params=code_query(client_id), json=device_body())
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    await client.post("/api/users/account/code", headers=headers)
    await client.post("/api/oauth2/token/revoke", data={"token": tokens["access_token"]})
    wrong = {"username": uuid4().hex, "password": "wrong"}
    await client.post("/api/oauth2/login/token", params={"client_id": client_id}, json=wrong)
    before = await _count(context, studio)
    assert before == dict.fromkeys(TABLES, 1) | {"authorization_codes": 2}
    db = context.database.session()
    await prune_expired(db, before=real_now() - timedelta(days=1))
    assert await _count(context, studio) == before
    # Only the rows of this test's login project grow old: those of other tests must stay.
    async with context.database.connection() as connection:
        for table in TABLES:
            column = "window_ends_at" if table == "login_attempts" else "expires_at"
            await connection.execute(
                f"UPDATE {table} SET {column} = now() - interval '2 days' WHERE login_project_id = $1",
                studio.login_project_id,
            )
    assert await prune_expired(db, before=real_now() - timedelta(days=1)) >= sum(before.values())
    assert await _count(context, studio) == dict.fromkeys(TABLES, 0)
