"""`haversack clock …`: moves a project's clock under development, and goes back to where it was frozen."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from haversack.cli.connect import end_with, run_with_context
from haversack.cli.projects import ProjectId, get_project

if TYPE_CHECKING:
    from haversack.clocks.records import Journey
    from haversack.context import Context
    from haversack.database.engine import Session
    from haversack.projects.records import Project

Result = TypeVar("Result")

app = typer.Typer(help="The time of a project under development.", no_args_is_help=True)

LENGTH = re.compile(r"(\d{1,9})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
UNFINISHED_STATUS = 5


def _length(value: str) -> timedelta:
    """`90s`, `5m`, `12h` or `30d`."""
    match = LENGTH.fullmatch(value)
    if match is None:
        raise typer.BadParameter("must be a length such as 90s, 5m, 12h or 30d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _moment(value: str) -> datetime:
    """A moment; one that names no offset is in UTC."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter("must be a time such as 2027-03-01T12:00") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _run(command: "Callable[[Context], Awaitable[Result]]") -> Result:
    """Run a command that may deliver webhooks and end orders, as a server does."""
    from haversack.app import OUTCOMES

    return run_with_context(command, outcomes=OUTCOMES)


async def _show(context: "Context", project_id: int) -> None:
    from haversack.clock import real_now
    from haversack.clocks.actions import get_state
    from haversack.clocks.rules import FURTHEST

    project = await get_project(context, project_id)
    state = await get_state(context.database.session(), project)
    now = state.clock.now()
    ahead = round((now - real_now()).total_seconds())
    stands = "stands still at" if state.clock.frozen_at is not None else "runs:"
    typer.echo(f"The clock of project {project_id} {stands} {now.isoformat(timespec='seconds')}")
    if abs(ahead) > 1:
        typer.echo(f"  {timedelta(seconds=abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} the machine's time")
    if state.next_due is not None and state.next_due < FURTHEST:
        typer.echo(f"  something falls due at {state.next_due.isoformat(timespec='seconds')}")
    if state.snapshot is not None:
        typer.echo(
            f"  `back` returns to {state.snapshot.frozen_at.isoformat(timespec='seconds')}"
            f" ({state.snapshot.row_count} rows)"
        )


def _change(project_id: int, change: "Callable[[Context, Session, Project], Awaitable[Result]]") -> Result:
    """Make a change in the project's turn, and show where the clock stands then."""

    async def work(context: "Context") -> "Result":
        from haversack.clocks.actions import check_movable, take_turn

        check_movable(context)
        await get_project(context, project_id)
        db = context.database.session()
        async with db.begin():
            changed = await change(context, db, await take_turn(context, db, project_id))
        await _show(context, project_id)
        return changed

    return _run(work)


def _tell(journey: "Journey") -> None:
    for each in journey.passed:
        typer.echo(f"  {each.at.isoformat(timespec='seconds')}  {each.what}")
    if not journey.has_arrived:
        typer.echo("What fell due takes long: the same command goes on from here.", err=True)
        raise typer.Exit(UNFINISHED_STATUS)


@app.command("show")
def show(project: ProjectId) -> None:
    """Show where the clock stands, when something falls due next, and what it can go back to."""
    _run(lambda context: _show(context, project))


@app.command("freeze")
def freeze(project: ProjectId) -> None:
    """Let time stand still, and keep everything as it is: `back` returns to it."""

    async def work(context: "Context", _: "Session", found: "Project") -> None:
        from haversack.clocks import actions

        await actions.freeze(context, found)

    _change(project, work)


@app.command("jump")
def jump(
    project: ProjectId,
    to: Annotated[datetime, typer.Argument(help="a time such as 2027-03-01T12:00 (UTC)", parser=_moment)],
) -> None:
    """Move time on to a moment. What falls due on the way happens in order, and is listed. Ends with 5 where that
    takes so long that the command has to be repeated."""

    async def work(context: "Context", _: "Session", found: "Project") -> "Journey":
        from haversack.clocks import actions
        from haversack.clocks.rules import why_not

        reason = why_not(found.clock.now(), to)
        if reason is not None:
            end_with(f"{to.isoformat()} {reason}.")
        return await actions.jump(context, found, to=to.astimezone(UTC))

    _tell(_change(project, work))


@app.command("step")
def step(
    project: ProjectId,
    by: Annotated[timedelta | None, typer.Argument(help="a length such as 90s, 5m, 12h or 30d", parser=_length)] = None,
) -> None:
    """Move time on by a length; without one, to when something falls due next."""

    async def work(context: "Context", _: "Session", found: "Project") -> "Journey":
        from haversack.clocks import actions
        from haversack.clocks.rules import FURTHEST

        if by is not None and by > FURTHEST - found.clock.now():
            end_with(f"A clock goes no further than {FURTHEST.date().isoformat()}.")
        return await actions.step(context, found, by)

    _tell(_change(project, work))


@app.command("resume")
def resume(project: ProjectId) -> None:
    """Let time go on from where it stands."""

    async def work(context: "Context", _: "Session", found: "Project") -> None:
        from haversack.clocks import actions

        await actions.resume(context, found)

    _change(project, work)


@app.command("back")
def back(project: ProjectId) -> None:
    """Make the project what it was when it was frozen: data, balances, deliveries. Time stands still there."""

    async def work(context: "Context", db: "Session", found: "Project") -> None:
        from haversack.clocks import actions

        await actions.go_back(context, db, found)

    _change(project, work)
