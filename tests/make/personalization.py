"""Makes filter rules: bodies and the calls that send them."""

from collections.abc import Mapping
from typing import Any

import httpx

from make.projects import Studio

ELVES = {"attribute": "race", "type": "string", "operator": "eq", "value": "elf", "can_be_missing": False}
LEVEL_10 = {"attribute": "level", "type": "number", "operator": "ge", "value": "10", "can_be_missing": False}
NEWCOMERS = {"attribute": "joined", "type": "date", "operator": "lt", "value": "2026-01-01", "can_be_missing": True}


def filter_rule(*skus: str, **changes: Any) -> dict[str, Any]:
    """A body of a rule that shows items to elves."""
    body = {"name": "For elves", "is_enabled": True, "attribute_conditions": [ELVES]}
    return {**body, "items": [{"sku": sku} for sku in skus], **changes}


def rule_path(studio: Studio, rest: str | int = "") -> str:
    """Where the studio's calls on rules are; `rest` is what follows."""
    path = f"/api/v2/project/{studio.project_id}/admin/user/attribute/rule"
    return f"{path}/{rest}" if rest else path


async def post_rule(client: httpx.AsyncClient, studio: Studio, body: Mapping[str, Any]) -> httpx.Response:
    """Send a create call as the studio."""
    return await client.post(rule_path(studio), json=body, auth=studio.basic)


async def make_rule(client: httpx.AsyncClient, studio: Studio, body: Mapping[str, Any]) -> int:
    """Make a rule through the API and return its id."""
    reply = await post_rule(client, studio, body)
    assert reply.status_code == 201, reply.text
    rule_id: int = reply.json()["rule_id"]
    return rule_id


async def get_rule(client: httpx.AsyncClient, studio: Studio, rule_id: int) -> dict[str, Any]:
    """What the studio reads of a rule."""
    reply = await client.get(rule_path(studio, rule_id), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found
