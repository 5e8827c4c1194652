"""Simulated years: whatever chance does to a studio, the books agree, nothing is given twice, nothing is a 500.

python -m pytest tests/simulation --seeds 2000 --first 10000
"""

import os
import time
from collections.abc import Awaitable, Callable
from random import Random

import httpx
import pytest

from haversack.context import Context
from haversack.inventory.verifying import find_differences
from make.clocks import now_of
from make.orders import Buyer
from simulation.checking import check
from simulation.conftest import asked
from simulation.going_through import go_through_offer, use_up_a_window
from simulation.life import Life
from simulation.paying import buy_for_money, pay_at_the_last_moment, pay_something, refund_something
from simulation.shop import open_shop
from simulation.talking import Talk
from simulation.visits import VISITS, beside_an_edge, visits_of

SEEDS, CHUNK, BREAKS = 200, 10, 0.12
# A year is a year; by hand more may happen in it.
STEPS = int(os.environ.get("HAVERSACK_SIMULATION_STEPS", "18"))
TWICE = (3, 17, 42)  # lived through twice

Step = Callable[[Life, Buyer], Awaitable[object]]
STEPS_OF_LIFE: tuple[tuple[Step, int], ...] = (
    (Life.fund, 4),
    (Life.buy_for_gold, 14),
    (Life.take_free, 5),
    (Life.consume, 5),
    (Life.fill_backpack, 3),
    (Life.empty_backpack, 3),
    (Life.redeem, 5),
    (Life.claim_day, 8),
    (Life.take_step, 6),
    (Life.go_on_with_offer, 5),
    (go_through_offer, 4),
    (use_up_a_window, 6),
    (Life.order_money, 8),
    (pay_something, 8),
    (buy_for_money, 8),
    (pay_at_the_last_moment, 2),
    (refund_something, 7),
    (Life.jump, 7),
    (Life.sweep, 3),
    (Life.look, 5),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Chunks of seeds, so that several processes can share them."""
    if "seeds" in metafunc.fixturenames:
        first, count = asked(metafunc.config, "first", 1), asked(metafunc.config, "seeds", SEEDS)
        chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
        metafunc.parametrize("seeds", chunks, ids=lambda chunk: f"{chunk[0]}-{chunk[-1]}")


async def live(client: httpx.AsyncClient, context: Context, seed: int) -> Life:
    """Live through the year of a seed, and check everything at its end."""
    chance = Random(seed)
    shop = await open_shop(client, context, chance)
    talk = Talk(client, chance, BREAKS)
    life = Life.begin(shop, talk, chance, seed, await now_of(client, shop.studio))
    try:
        await live_on(life)
        await check(life)
        differences = [str(each) async for each in find_differences(context.database, shop.studio.project_id)]
        assert not differences, "\n".join(differences)
    except BaseException as error:
        error.add_note("\n".join(["the last answers:", *(line[:400] for line in talk.answers.lines[-12:])]))
        error.add_note(f"seed {seed}: {replay(seed)}")
        raise
    return life


def replay(first: int, count: int = 1) -> str:
    """The command that lives through seeds again."""
    return f"HAVERSACK_SIMULATION_STEPS={STEPS} python -m pytest tests/simulation --first {first} --seeds {count}"


async def live_on(life: Life) -> None:
    """Let steps happen all over a year: some at each visit, and time passes from one visit to the next."""
    shop, chance = life.shop, life.chance
    steps, weights = zip(*STEPS_OF_LIFE, strict=True)
    for buyer in shop.buyers:
        await life.fund(buyer)
    visits = visits_of(chance, shop.begins, max(VISITS, STEPS // 3))
    happen = sorted(chance.choices(range(len(visits)), k=STEPS))
    for number, moment in enumerate(visits):
        for _ in range(happen.count(number)):
            await chance.choices(steps, weights)[0](life, chance.choice(shop.buyers))
        is_edge = moment is not visits[-1] and chance.random() < 0.7
        to = beside_an_edge(shop, chance, moment) if is_edge else moment
        if to > life.now:
            await life.jump_to(to)


async def test_years(
    breakable_client: httpx.AsyncClient,
    breakable_context: Context,
    seeds: range,
    record_property: Callable[[str, object], None],
) -> None:
    began, broken, answers = time.process_time(), 0, 0
    for seed in seeds:
        life = await live(breakable_client, breakable_context, seed)
        broken += life.talk.broken
        answers += len(life.talk.answers.lines)
    seconds = time.process_time() - began
    told = f"{answers} requests, {broken} broken off, {seconds:.1f} s: {replay(seeds[0], len(seeds))}"
    record_property("told", f"seeds {seeds[0]} to {seeds[-1]}, a year each: {told}")


@pytest.mark.parametrize("seed", TWICE)
async def test_a_seed_is_answered_alike(
    breakable_client: httpx.AsyncClient, breakable_context: Context, seed: int
) -> None:
    first = await live(breakable_client, breakable_context, seed)
    second = await live(breakable_client, breakable_context, seed)
    for one, other in zip(first.talk.answers.lines, second.talk.answers.lines, strict=True):
        assert one == other
