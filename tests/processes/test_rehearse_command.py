"""`haversack rehearse` on the demo project: what it reports, that it comes out alike, and that it writes nothing."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import pytest

from haversack.catalog.versions import raise_version
from haversack.chains.queries.chains import add_chain
from haversack.clock import real_now
from haversack.context import Context, open_context
from haversack.demo.seed import seed_demo
from haversack.settings import Mode
from make import rehearsal
from make.clocks import rows_of
from processes.running import Finished, invoke, run
from processes.serving import Shop


@dataclass(frozen=True)
class Demo:
    """The demo project, with chains that run since the rehearsal's first day."""

    shop: Shop
    project_id: int
    days: int
    offer: int


@pytest.fixture(scope="module")
async def demo(shared_shop: Shop) -> AsyncIterator[Demo]:
    # The demo exists under development alone.
    settings = shared_shop.context.settings.model_copy(
        update={"mode": Mode.DEVELOPMENT, "outbound_allow_loopback": True}
    )
    async with open_context(settings) as context:
        yield await _make_demo(shared_shop, context)


async def _make_demo(shop: Shop, context: Context) -> Demo:
    found = await seed_demo(context)
    held = await context.catalogs.get(found.project_id)
    assert held.catalog is not None
    glim, lantern = (held.catalog.by_sku[sku].item_id for sku in ("glim", "lanternfall.stormglass-lantern"))
    db = context.database.session()

    async def add(steps: list[tuple[int, bool]], opening: object) -> int:
        made = [
            rehearsal.step(number, (item_id, 10), is_free=is_free) for number, (item_id, is_free) in enumerate(steps, 1)
        ]
        chain = rehearsal.chain(0, opening, *made, project_id=found.project_id)  # type: ignore[arg-type]
        return await add_chain(db, chain, now=real_now())

    async with db.begin():
        days = await add([(glim, True)] * 30, rehearsal.days(0, 1).opening)
        offer = await add([(glim, True), (lantern, False), (glim, True)], rehearsal.offer(0).opening)
        await raise_version(db, found.project_id)
    return Demo(shop, found.project_id, days, offer)


async def rehearse(demo: Demo, *arguments: object, is_process: bool = False) -> Finished:
    """The command on the demo project, for the first twenty days of its chains; in this process, or in its own."""
    season = ("--project", demo.project_id, "--from", "2026-12-01", "--days", 20, "--players", 60, *arguments)
    if is_process:
        return await run(demo.shop.folder, "rehearse", *map(str, season), **demo.shop.settings)
    return await invoke("rehearse", *map(str, season), **demo.shop.settings)


async def test_rehearse(demo: Demo) -> None:
    before = await rows_of(demo.shop.context, demo.project_id)
    out = (await rehearse(demo, "--seed", 3)).succeeded()
    lines = out.splitlines()
    assert lines[0] == (
        f"Project {demo.project_id} rehearsed with 60 players for 20 days from 2026-12-01T00:00+00:00, seed 3"
    )
    assert any(f"step 21 of chain {demo.days}" in line and "Its day is not among these days." in line for line in lines)
    assert "Sold" in lines
    # Also in a process of its own, which puts sets in another order.
    assert (await rehearse(demo, "--seed", 3, is_process=True)).succeeded() == out
    assert (await rehearse(demo, "--seed", 4)).succeeded() != out
    assert await rows_of(demo.shop.context, demo.project_id) == before


async def test_rehearse_as_json(demo: Demo) -> None:
    report = orjson.loads((await rehearse(demo, "--json")).succeeded())
    assert (report["project_id"], report["players"], report["days"]) == (demo.project_id, 60, 20)
    assert {each["chain_id"] for each in report["chains"]} == {demo.days, demo.offer}
    assert {each["number"] for each in report["dead_steps"] if each["chain_id"] == demo.days} == set(range(21, 31))
    (glims,) = [each for each in report["rewards"] if each["sku"] == "glim"]
    claims = sum(step["claims"] for chain in report["chains"] for step in chain["steps"])
    paid = [step["claims"] for chain in report["chains"] if chain["chain_id"] == demo.offer for step in chain["steps"]]
    assert glims["units"] == 10 * (claims - paid[1])
    # What can be owned once only is not sold ten times.
    assert paid[1:] == [0, 0]


async def test_rehearse_one_player(demo: Demo) -> None:
    lines = (await rehearse(demo, "--player", 13, "--trace")).succeeded().splitlines()
    assert re.match(r"player 13: \w+, in ", lines[0])
    days = [int(line[3:].split()[0]) for line in lines[1:]]
    assert days == sorted(days)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--player", "3"), "--player and --trace go together"),
        (("--trace",), "--player and --trace go together"),
        (("--player", "60", "--trace"), "numbered from 0 to 59"),
        (("--from", "soon"), "must be a day or a time"),
        (("--from", "9999-12-31"), "must lie between"),
        (("--days", "0"), "--days"),
    ],
)
async def test_rehearse_refuses_what_makes_no_sense(demo: Demo, arguments: tuple[str, ...], said: str) -> None:
    refused = (await rehearse(demo, *arguments)).refused(status=2)
    assert said in re.sub(r"[\s│]+", " ", refused)


async def test_rehearse_a_project_that_is_not_there(shared_shop: Shop) -> None:
    assert (
        "There is no project 999." in (await invoke("rehearse", "--project", "999", **shared_shop.settings)).refused()
    )
