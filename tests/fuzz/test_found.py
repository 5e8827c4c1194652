"""Requests that generated ones have found a bug with, kept as they were."""

import httpx
import pytest

from haversack.app import describe
from make.projects import Studio

BEYOND_64_BITS = 696721718043693154304


@pytest.mark.parametrize("kind", ["bundle", "virtual_items"])
async def test_a_refusal_repeats_a_number_beyond_64_bits(client: httpx.AsyncClient, studio: Studio, kind: str) -> None:
    path = f"/api/v2/project/{studio.project_id}/admin/items/{kind}/group/id/{BEYOND_64_BITS}"
    reply = await client.get(path, auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 4403)


@pytest.mark.parametrize("path", ["/static/nothing", "/static/%00", "/demo/", "/demo/../content.py", "/docs/assets/x"])
async def test_a_shipped_file_that_is_not_there(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


def test_an_answer_without_a_body_is_described_without_one() -> None:
    operations = [operation for item in describe()["paths"].values() for operation in item.values()]
    moving = next(each for each in operations if each["operationId"] == "move_user_virtual_item_to_game")
    assert "content" not in moving["responses"]["200"]


def test_what_a_refusal_leaves_out_is_described_as_optional() -> None:
    schemas = describe()["components"]["schemas"]
    for name, left_out in (
        ("StoreProblem", "errorMessageExtended"),
        ("BackpackProblem", "errors"),
        ("LoginProblemBody", "details"),
    ):
        assert left_out in schemas[name]["properties"]
        assert left_out not in schemas[name]["required"]
