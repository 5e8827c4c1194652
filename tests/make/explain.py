"""Asks why things are as they are, as a studio does."""

from typing import Any

import httpx

from make.projects import Studio

Found = dict[str, Any]


def explain_path(studio: Studio, rest: str) -> str:
    """Where the studio's explanations are."""
    return f"/api/v2/project/{studio.project_id}/admin/explain/{rest}"


async def explain(client: httpx.AsyncClient, studio: Studio, rest: str, **about: Any) -> Found:
    """The explanation of an item or a cart."""
    reply = await client.get(explain_path(studio, rest), params=about, auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: Found = reply.json()
    return found


def found_of(line: Found, topic: str, rule: str | None = None) -> list[tuple[bool, str]]:
    """What was found about a topic, or of one rule: whether it was kept, and why."""
    return [
        (each["is_kept"], each["why"])
        for each in line["findings"]
        if each["topic"] == topic and (rule is None or each["rule"] == rule)
    ]


def dropped_topics(line: Found) -> set[str]:
    """What stands in the way of an item."""
    return {each["topic"] for each in line["findings"] if not each["is_kept"]}
