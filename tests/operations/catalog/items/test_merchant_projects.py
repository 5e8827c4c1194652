"""The list of a merchant's projects, for its company-wide key alone."""

from typing import Any

import httpx
import pytest

from make.projects import Studio, make_project_beside
from make.taxonomy import faulty_fields, refusal


def _url(studio: Studio) -> str:
    return f"/api/v2/merchant/{studio.merchant_id}/projects"


def _merchant(studio: Studio) -> httpx.BasicAuth:
    return httpx.BasicAuth(str(studio.merchant_id), studio.merchant_key)


async def test_get_projects(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    beside = [await make_project_beside(studio) for _ in range(2)]
    ids = [studio.project_id, *(each.project_id for each in beside)]
    reply = await client.get(_url(studio), auth=_merchant(studio))
    assert reply.status_code == 200
    assert reply.json() == {
        "items": [{"project_id": each} for each in ids],
        "has_more": False,
        "total_items_count": 3,
    }
    reply = await client.get(_url(studio), params={"limit": 1, "offset": 1}, auth=_merchant(studio))
    assert reply.json() == {"items": [{"project_id": ids[1]}], "has_more": True, "total_items_count": 3}


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": "x"}, {"offset": -1}])
async def test_pages_of_projects_that_cannot_be(
    client: httpx.AsyncClient, studio: Studio, query: dict[str, Any]
) -> None:
    reply = await client.get(_url(studio), params=query, auth=_merchant(studio))
    assert refusal(reply) == (422, 1102)
    assert faulty_fields(reply) == set(query)


async def test_only_the_merchants_key_opens_its_projects(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    merchant = str(studio.merchant_id)
    wrong = [
        None,
        studio.basic,
        httpx.BasicAuth(merchant, studio.api_key),
        httpx.BasicAuth(str(studio.project_id), studio.merchant_key),
        httpx.BasicAuth(merchant, other_studio.merchant_key),
        _merchant(other_studio),
    ]
    for auth in wrong:
        reply = await client.get(_url(studio), auth=auth)
        assert refusal(reply) == (401, 1020)
    reply = await client.get("/api/v2/merchant/one/projects", auth=_merchant(studio))
    assert refusal(reply) == (401, 1020)
