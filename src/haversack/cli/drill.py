"""`haversack drill …`: put a set-up under the load of a bad day, and hold what comes out against the books."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

from haversack.cli.connect import end_with, run_with_context

if TYPE_CHECKING:
    import aiohttp

    from haversack.context import Context
    from haversack.projects.actions import CreatedProject

app = typer.Typer(help="Load that a set-up has to stand, with the books checked afterwards.", no_args_is_help=True)

CURRENCY, ITEM, PRICE = "drill-coins", "drill-prize", 10
SOLD_OUT = (422, 1455)


@app.callback()
def drills() -> None:
    """Each drill makes a project of its own and leaves it behind."""


@dataclass(slots=True)
class Tally:
    """What came back: how often each status and code, and how long each answer took (seconds)."""

    answers: Counter[tuple[int, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


@app.command("flash-sale")
def flash_sale(
    units: Annotated[int, typer.Option(help="units on sale", min=1, max=1_000_000)] = 1_000,
    attempts: Annotated[int, typer.Option(help="purchases tried in all", min=1, max=10_000_000)] = 20_000,
    at_once: Annotated[int, typer.Option(help="purchases under way at once", min=1, max=10_000)] = 200,
    players: Annotated[int, typer.Option(help="players who try", min=1, max=100_000)] = 1_000,
    url: Annotated[str | None, typer.Option(help="the server; without it one is started for the drill")] = None,
) -> None:
    """Sell a limited item to far more buyers than there are units: nothing oversold, nothing lost, the books fit."""

    async def work(context: "Context") -> bool:
        async with _server(context, url) as address:
            project = await _make_project(context)
            typer.echo(
                f"project {project.project_id}: {units:,} units, {attempts:,} attempts, {at_once} at once", err=True
            )
            item_id = await _fill(context, project.project_id, units)
            tokens = await _make_players(context, project, players)
            tally = await _attack(address, project.project_id, tokens, attempts=attempts, at_once=at_once)
            return await _report(context, project.project_id, item_id, tally, units=units, attempts=attempts)

    if not run_with_context(work):
        raise typer.Exit(1)


@asynccontextmanager
async def _server(context: "Context", url: str | None) -> AsyncIterator[str]:
    """The server that is named, or one of this process."""
    if url is not None:
        yield url.rstrip("/")
        return
    import uvicorn

    from haversack.app import build_application

    application: Any = build_application(context)
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, log_level="warning", access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            end_with("The server of the drill could not be started.")
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


async def _make_project(context: "Context") -> "CreatedProject":
    from haversack.projects.actions import create_project
    from haversack.projects.keys import KeyKind

    kind = KeyKind.PROJECT_TEST if context.settings.is_development else KeyKind.PROJECT_LIVE
    return await create_project(context, name="Flash sale drill", merchant_name="Drill", kind=kind)


async def _fill(context: "Context", project_id: int, units: int) -> int:
    """A currency, and the item that is sold for it; the item's id."""
    from haversack.catalog.items.actions import save_item
    from haversack.catalog.items.drafts import ItemDraft
    from haversack.catalog.records import Details, ItemKind, ItemLimits, VirtualPrice
    from haversack.clock import real_now

    db = context.database.session()
    async with db.begin():
        currency = ItemDraft(kind=ItemKind.VIRTUAL_CURRENCY, sku=CURRENCY, name={"en": "Coins"})
        await save_item(db, project_id, currency, now=real_now())
        prize = ItemDraft(
            kind=ItemKind.VIRTUAL_GOOD,
            sku=ITEM,
            name={"en": "Prize"},
            virtual_prices=(VirtualPrice(CURRENCY, PRICE, is_default=True),),
            limits=ItemLimits(per_item=units),
            details=Details(is_consumable=True),
        )
        return await save_item(db, project_id, prize, now=real_now())


async def _make_players(context: "Context", project: "CreatedProject", count: int) -> list[str]:
    """Players with enough money for everything, and the tokens of their calls."""
    from haversack.clock import real_now
    from haversack.inventory.actions import CurrencyGrant, grant
    from haversack.login.actions import issue_player_token

    tokens = []
    for _ in range(count):
        player_id: UUID = uuid4()
        tokens.append(await issue_player_token(context, project.login_project_id, player_id))
        db = context.database.session()
        async with db.begin():
            await grant(
                db,
                project_id=project.project_id,
                player_id=player_id,
                source=f"drill:{player_id}",
                content=[CurrencyGrant(CURRENCY, 10**9)],
                now=real_now(),
            )
    return tokens


async def _attack(address: str, project_id: int, tokens: list[str], *, attempts: int, at_once: int) -> Tally:
    """All attempts, so many under way at once, each by the next player."""
    import aiohttp

    url = f"{address}/api/v2/project/{project_id}/payment/item/{ITEM}/virtual/{CURRENCY}"
    headers = [{"Authorization": f"Bearer {token}"} for token in tokens]
    tally, numbers = Tally(), iter(range(attempts))

    async def keep_buying(session: "aiohttp.ClientSession", numbers: Iterator[int]) -> None:
        for number in numbers:
            started = time.monotonic()
            try:
                async with session.post(url, json={}, headers=headers[number % len(headers)]) as reply:
                    body = await reply.json()
            except (aiohttp.ClientError, TimeoutError) as error:
                tally.failures[type(error).__name__] += 1
                continue
            tally.seconds.append(time.monotonic() - started)
            tally.answers[reply.status, body.get("errorCode", 0)] += 1

    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        await asyncio.gather(*(keep_buying(session, numbers) for _ in range(at_once)))
    return tally


async def _report(
    context: "Context", project_id: int, item_id: int, tally: Tally, *, units: int, attempts: int
) -> bool:
    """Print what came out; whether it is what had to."""
    from haversack.inventory.verifying import find_differences
    from haversack.limits.queries import list_stocks

    stock = (await list_stocks(context.database.session(), project_id, [item_id]))[item_id]
    bought = tally.answers[200, 0]
    refused = tally.answers[SOLD_OUT]
    wanted = min(units, attempts)
    differences = [str(each) async for each in find_differences(context.database, project_id)]
    others = {
        f"{status}/{code}": n for (status, code), n in tally.answers.items() if (status, code) not in (OK, SOLD_OUT)
    }
    points = quantiles(tally.seconds, n=100) if len(tally.seconds) > 1 else [0.0] * 99
    checks = [
        (
            stock.sold <= units and bought <= units,
            f"oversold: {max(bought - units, 0)} ({stock.sold:,} of {units:,} sold)",
        ),
        (bought == stock.sold == wanted, f"lost: {wanted - bought} ({bought:,} buyers were told that they have one)"),
        (refused == attempts - wanted, f"refused with 422 and 1455: {refused:,} of {attempts - wanted:,}"),
        (not others and not tally.failures, f"anything else: {others or dict(tally.failures) or 'nothing'}"),
        (not differences, f"differences in the books: {len(differences)}"),
    ]
    for is_right, sentence in checks:
        mark = typer.style("ok  ", fg=typer.colors.GREEN) if is_right else typer.style("FAIL", fg=typer.colors.RED)
        typer.echo(f"{mark} {sentence}")
    for difference in differences[:20]:
        typer.echo(f"     {difference}")
    typer.echo(f"answers: p50 {points[49] * 1000:.0f} ms, p99 {points[98] * 1000:.0f} ms")
    return all(is_right for is_right, _ in checks)


OK = (200, 0)
