"""`haversack rehearse`: seeded players go through a season of a project before anybody else does."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from haversack.cli.connect import run_with_context
from haversack.cli.projects import ID_MAX, get_project

if TYPE_CHECKING:
    from haversack.context import Context
    from haversack.rehearsal.season import Season

PLAYERS_MAX = 1_000_000
DAYS_MAX = 3_660
SEED_MAX = 2**63 - 1
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2190, 1, 1, tzinfo=UTC)


def _moment(value: str) -> datetime:
    """A day or a moment; one that names no offset is in UTC."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter("must be a day or a time such as 2027-03-01 or 2027-03-01T12:00") from None
    moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    if not EARLIEST <= moment <= LATEST:
        raise typer.BadParameter(f"must lie between {EARLIEST.date()} and {LATEST.date()}")
    return moment


def rehearse(
    project: Annotated[int, typer.Option(help="the project's id", min=1, max=ID_MAX)],
    players: Annotated[int, typer.Option(help="how many play", min=1, max=PLAYERS_MAX)] = 1_000,
    days: Annotated[int, typer.Option(help="how many days they play", min=1, max=DAYS_MAX)] = 90,
    seed: Annotated[int, typer.Option(help="the same one plays the same way", min=0, max=SEED_MAX)] = 1,
    start: Annotated[
        datetime | None,
        typer.Option("--from", help="the first day; without it today by the project's clock", parser=_moment),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    player: Annotated[int | None, typer.Option(help="the number of one player, for --trace", min=0)] = None,
    trace: Annotated[bool, typer.Option("--trace", help="what that player does, instead of the report")] = False,
) -> None:
    """Let made-up players go through a project's chains, offers, promotions and limits. Writes nothing."""
    if trace != (player is not None):
        raise typer.BadParameter("--player and --trace go together")
    if player is not None and player >= players:
        raise typer.BadParameter(f"the players are numbered from 0 to {players - 1}", param_hint="--player")

    async def work(context: "Context") -> None:
        from haversack.rehearsal.reading import read_season

        found = await get_project(context, project)
        season = await read_season(context, found, days=days, start=start)
        if player is not None:
            _show_trace(season, seed, player, players)
        else:
            _show_report(season, seed, players, as_json=as_json)

    run_with_context(work)


def _show_trace(season: "Season", seed: int, player: int, players: int) -> None:
    from haversack.rehearsal.playing import trace

    for line in trace(season, seed, player, players=players):
        typer.echo(line)


def _show_report(season: "Season", seed: int, players: int, *, as_json: bool) -> None:
    import orjson

    from haversack.rehearsal.playing import play
    from haversack.rehearsal.report import report_of
    from haversack.rehearsal.text import lines_of_report

    report = report_of(season, play(season, seed, range(players)), seed=seed)
    if as_json:
        # Amounts are decimals, which JSON numbers are not.
        typer.echo(orjson.dumps(report, default=str, option=orjson.OPT_INDENT_2).decode())
        return
    for line in lines_of_report(report):
        typer.echo(line)
