"""get-webhook: the project's own settings, for its own keys."""

import httpx

from make.projects import Studio

URL = "http://127.0.0.1:8099/webhook"


async def test_get_webhook_where_none_is_set(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await client.get(f"/api/v2/project/{studio.project_id}/admin/webhook", auth=studio.basic)
    assert reply.status_code == 404
    assert reply.json()["statusCode"] == 404


async def test_get_webhook_shows_what_was_set(client: httpx.AsyncClient, studio: Studio) -> None:
    path = f"/api/v2/project/{studio.project_id}/admin/webhook"
    body = {"url": URL, "secret": "of the game", "is_enabled": False}
    assert (await client.put(path, auth=studio.basic, json=body)).status_code == 204
    reply = await client.get(path, auth=studio.basic)
    assert reply.status_code == 200
    assert reply.json() == body


async def test_by_the_merchants_key(client: httpx.AsyncClient, studio: Studio) -> None:
    path = f"/api/v2/project/{studio.project_id}/admin/webhook"
    auth = httpx.BasicAuth(str(studio.merchant_id), studio.merchant_key)
    assert (await client.get(path, auth=auth)).status_code == 404


async def test_other_projects_are_closed(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    path = f"/api/v2/project/{studio.project_id}/admin/webhook"
    body = {"url": URL, "secret": "of the game", "is_enabled": True}
    assert (await client.put(path, auth=studio.basic, json=body)).status_code == 204
    refused = await client.get(path, auth=other_studio.basic)
    assert refused.status_code == 401
    assert "of the game" not in refused.text
    assert (await client.get(path)).status_code == 401
