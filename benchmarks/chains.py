"""Chains: a player's page of fifty, beside a bare answer of the same bytes, and a step that one player claims often."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4

import httpx

from benchmarks.bed import Bed, Served, measure_load, open_bed, serving, serving_bare
from benchmarks.figures import Figure, Series, interleave
from benchmarks.load import build_request
from benchmarks.processes import cpu_seconds
from haversack.clock import real_now

if TYPE_CHECKING:
    from make.orders import Buyer
    from make.projects import Studio

CHAINS = 50
STEPS = 5
# Of so many chains has each player taken a step.
BEGUN = 5
# As many as connections, so that no two of them ask for the same.
PLAYERS = 8
CONNECTIONS = 8
SECONDS = 1.2
ROUNDS = 5
CLAIMS = 1_000
CLAIM_ROUNDS = 3
CLAIM_CONNECTIONS = 200
WANTED_PART = 0.15
# A page of offer chains holds no more.
SHOWN = {"reward": 50, "daily": 50, "offer": 30}
KINDS = tuple(SHOWN)

# Takes a step of a chain (id) as a player, one that is open; which, its kind says.
Take = Callable[["Buyer", int], Awaitable[httpx.Response]]


class _Shop(NamedTuple):
    """A studio with fifty chains of each kind, what its steps give, and how each kind's first open step is taken."""

    studio: "Studio"
    item: str
    point: str
    chains: Mapping[str, Sequence[int]]
    takes: Mapping[str, Take]


async def run() -> list[Figure]:
    """Pages per second and their CPU by kind; how long a thousand claims at once take."""
    async with open_bed() as bed, serving(bed) as served:
        # Connections that the server may be closing are not used again.
        limits = httpx.Limits(max_connections=CLAIM_CONNECTIONS, keepalive_expiry=1)
        url = f"http://127.0.0.1:{served.port}"
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
            shop = await _fill(bed, client)
            figures = []
            for kind in KINDS:
                figures += await _measure_pages(bed, served, client, shop, kind)
            return [*figures, *await _measure_claims(served, client, shop)]


async def _fill(bed: Bed, client: httpx.AsyncClient) -> _Shop:
    from make import catalog, chains, day_chains
    from make.client_catalog import sell
    from make.projects import make_studio

    studio = await make_studio(bed.context)
    consumable = {"inventory_options": {"consumable": {"usages_count": 1}}}
    item = await sell(client, studio, catalog.virtual_item(**consumable))
    point, _ = await chains.make_value_point(client, studio)
    # The third day is the one that is open.
    start = (real_now() - timedelta(days=2, hours=1)).isoformat(timespec="seconds")
    rewards = chains.reward_chain(point, *(chains.step(item, 10 * number) for number in range(STEPS)))
    days = day_chains.daily_chain(*[item] * STEPS, date_start=start)
    offers = day_chains.offer_chain(*[item] * STEPS, date_start=start)
    made = {
        "reward": [await chains.make_reward_chain(client, studio, rewards) for _ in range(CHAINS)],
        "daily": [await day_chains.make_chain(client, studio, "daily", days) for _ in range(CHAINS)],
        "offer": [await day_chains.make_chain(client, studio, "offer", offers) for _ in range(CHAINS)],
    }

    async def take_reward(buyer: "Buyer", chain_id: int) -> httpx.Response:
        found = await chains.get_chain(client, studio, chain_id)
        return await chains.claim(client, buyer, chain_id, found["steps"][0]["step_id"])

    takes: dict[str, Take] = {
        "reward": take_reward,
        "daily": lambda buyer, chain_id: day_chains.claim(client, buyer, "daily", chain_id, 3),
        "offer": lambda buyer, chain_id: day_chains.claim(client, buyer, "offer", chain_id, 1),
    }
    return _Shop(studio, item, point, made, takes)


async def _make_buyer(studio: "Studio", player_id: UUID) -> "Buyer":
    from make.orders import Buyer

    return Buyer(studio, player_id, await studio.player_headers(player_id))


async def _measure_pages(bed: Bed, served: Served, client: httpx.AsyncClient, shop: _Shop, kind: str) -> list[Figure]:
    """Players who have begun some of the chains, no two of them the same ones."""
    path = f"/api/v2/project/{shop.studio.project_id}/user/{kind}_chain"
    body, requests = b"", []
    for number in range(PLAYERS):
        buyer = await _make_buyer(shop.studio, uuid4())
        for chain_id in shop.chains[kind][number : number + BEGUN]:
            (await shop.takes[kind](buyer, chain_id)).raise_for_status()
        reply = (await client.get(path, headers=buyer.headers)).raise_for_status()
        assert len(reply.json()["items"]) == SHOWN[kind]
        assert reply.content != body, "a player has progress of their own"
        body = reply.content
        requests.append(build_request("GET", path, buyer.headers))
    async with serving_bare(bed, body) as bare:
        measured = await interleave(
            {
                "page": lambda: _load(served, requests),
                "bare": lambda: _load(bare, [build_request("GET", "/", {})]),
            },
            rounds=ROUNDS,
        )
    return _page_figures(kind, len(body), measured)


def _load(served: Served, requests: Sequence[bytes]) -> Any:
    return measure_load(served, requests, connections=CONNECTIONS, seconds=SECONDS)


def _page_figures(kind: str, size: int, measured: Mapping[str, Mapping[str, Series]]) -> list[Figure]:
    page, bare = measured["page"], measured["bare"]
    name = f"page of {SHOWN[kind]} of {CHAINS} {kind} chains"
    return [
        bare["rate"].figure(f"{size // 1000} kB, bare ASGI", "req/s"),
        page["rate"].figure(
            name,
            "req/s",
            to=bare["rate"],
            to_name="bare ASGI",
            wanted=f"at least {WANTED_PART}",
            verdict=page["rate"].ratio(bare["rate"]) >= WANTED_PART,
        ),
        page["cpu_ms"].figure(f"{name}: server CPU", "ms", to=bare["cpu_ms"], to_name="bare ASGI"),
    ]


async def _measure_claims(served: Served, client: httpx.AsyncClient, shop: _Shop) -> list[Figure]:
    """One player who claims one step a thousand times, each time a fresh player: one of the claims gives."""
    from make.chains import claim, get_chain
    from make.orders import owned_of

    chain_id = shop.chains["reward"][0]
    step_id = (await get_chain(client, shop.studio, chain_id))["steps"][0]["step_id"]
    seconds, milliseconds = [], []
    for _ in range(CLAIM_ROUNDS):
        buyer = await _make_buyer(shop.studio, uuid4())
        started, before = time.monotonic(), cpu_seconds(served.pid)
        replies = await asyncio.gather(*(claim(client, buyer, chain_id, step_id) for _ in range(CLAIMS)))
        seconds.append(time.monotonic() - started)
        milliseconds.append((cpu_seconds(served.pid) - before) * 1000 / CLAIMS)
        told = Counter(reply.status_code for reply in replies)
        assert told == {204: 1, 422: CLAIMS - 1}, told
        assert await owned_of(buyer, shop.item) == 1
    name = f"{CLAIMS:,} claims of one step by one player, one grant"
    return [
        Series(tuple(seconds)).figure(name, "s"),
        Series(tuple(milliseconds)).figure(f"{name}: server CPU of each", "ms"),
    ]
