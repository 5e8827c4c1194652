"""Sends the simulation's requests, breaks some of them off, and keeps what was answered."""

import asyncio
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from simulation.breaking import PLAN, How, Plan

# Ids that PostgreSQL, secrets or the machine's clock have made: the same ones get the same ordinal.
MADE_BY_CHANCE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9]{5,}"
    r"|(?<=\"token\":\")[^\"]+|(?<=merchants/)[0-9]+|(?<=_chain/)[0-9]+|(?<=/step/)[0-9]+"
    r"|(?<=\"id\":)[0-9]+|(?<=_id\":)[0-9]+|(?<=_id\":\")[0-9]+"
)
STATEMENTS_MAX = 14
# It sleeps for seconds between two renewals, whoever has begun it, and changes nothing of what the request does.
RENEWS_LEASES = "lane leases"


@dataclass(slots=True)
class Answers:
    """What was answered, one line for each, without what differs from run to run."""

    lines: list[str] = field(default_factory=list)
    _ordinals: dict[str, str] = field(default_factory=dict)

    def add(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(MADE_BY_CHANCE.sub(self._ordinal, line))

    def _ordinal(self, found: re.Match[str]) -> str:
        return self._ordinals.setdefault(found[0], f"#{len(self._ordinals)}")


@dataclass(slots=True)
class Talk:
    """Requests of one simulated studio."""

    client: httpx.AsyncClient
    chance: Random = field(default_factory=lambda: Random(0))
    breaks: float = 0.0
    answers: Answers = field(default_factory=Answers)
    broken: int = 0

    def any_plan(self) -> Plan | None:
        """Where the next request is broken off, if chance wants that."""
        if self.chance.random() >= self.breaks:
            return None
        return Plan(self.chance.choice(list(How)), self.chance.randint(1, STATEMENTS_MAX))

    async def send(self, method: str, path: str, *, plan: Plan | None = None, **options: Any) -> httpx.Response | None:
        """The answer to a request; None where it was broken off before there was one."""
        reply = await self._run(method, path, plan, options)
        said = "nothing" if reply is None else f"{reply.status_code} {_body_of(reply)}"
        self.answers.add(f"{method} {path} {options.get('json', '')}: {said}")
        if reply is not None and reply.status_code >= 500:
            is_told = reply.status_code == 503 and plan is not None and plan.has_broken
            assert is_told, f"{method} {path}: {reply.status_code} {reply.text[:500]}"
            return None
        return reply

    async def _run(self, method: str, path: str, plan: Plan | None, options: dict[str, Any]) -> httpx.Response | None:
        if plan is None:
            return await self.client.request(method, path, **options)

        async def run() -> httpx.Response:
            PLAN.set(plan)
            return await self.client.request(method, path, **options)

        return await self.broken_off(plan, run())

    async def broken_off(self, plan: Plan, work: Any) -> Any:
        """What comes of work that a plan may break off; None where it was ended."""
        before = asyncio.all_tasks()
        plan.task = asyncio.create_task(work)
        try:
            return await plan.task
        except asyncio.CancelledError:
            if not plan.has_broken:
                raise
            return None
        finally:
            self.broken += plan.has_broken
            # What works for several callers goes on without the one that has gone.
            left = [
                task
                for task in asyncio.all_tasks() - before
                if task is not plan.task and task.get_name() != RENEWS_LEASES
            ]
            if left:
                await asyncio.wait(left, timeout=5)


def _body_of(reply: httpx.Response) -> str:
    return reply.text if reply.headers.get("content-type", "").startswith("application/json") else ""
