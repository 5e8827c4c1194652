"""`haversack webhooks …`: look at deliveries, send them again, and receive them on this machine."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from haversack.cli.connect import run_with_context
from haversack.cli.projects import get_project
from haversack.webhooks.records import DeliveryStatus, Purpose

if TYPE_CHECKING:
    from haversack.context import Context
    from haversack.projects.records import Project
    from haversack.webhooks.listener import Heard
    from haversack.webhooks.records import Attempt, DeliveryRow, Inspected

app = typer.Typer(help="Webhooks: what was sent, what came back, and sending it again.", no_args_is_help=True)

PROJECT_HELP = "the project's id"
SINCE_HELP = "a time (2026-03-01T12:00) or how long ago (30m, 6h, 7d), by the project's clock"
BODY_SHOWN_MAX = 2000
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
COLOURS = {
    DeliveryStatus.SUCCEEDED: typer.colors.GREEN,
    DeliveryStatus.PENDING: typer.colors.YELLOW,
    DeliveryStatus.WITHHELD: typer.colors.YELLOW,
    DeliveryStatus.FAILED: typer.colors.RED,
    DeliveryStatus.CANCELLED: typer.colors.RED,
}

ProjectOption = Annotated[int | None, typer.Option("--project", help=PROJECT_HELP)]
ProjectArgument = Annotated[int, typer.Argument(help=PROJECT_HELP)]
StatusOption = Annotated[DeliveryStatus | None, typer.Option(help="only deliveries of this status")]
SinceOption = Annotated[str | None, typer.Option(help=SINCE_HELP)]


@app.command("list")
def list_all(
    project: ProjectOption = None,
    status: StatusOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(help="how many, the newest first", min=1, max=10_000)] = 50,
) -> None:
    """List deliveries, the newest first."""

    async def work(context: "Context") -> None:
        from haversack.webhooks.queries.inspector import list_deliveries

        found = await get_project(context, project) if project is not None else None
        rows = await list_deliveries(
            context.database.session(),
            project_id=project,
            status=status,
            since=_moment(since, await _now(found)),
            count=limit,
        )
        _print_table(rows)

    run_with_context(work)


@app.command("show")
def show(
    delivery: Annotated[int, typer.Argument(help="the delivery's id, as `list` shows it")],
    project: ProjectOption = None,
) -> None:
    """Show a delivery: its body, each attempt with what came back, and what to make of it."""

    async def work(context: "Context") -> None:
        from haversack.webhooks.hints import hints_of

        found = await _find_delivery(context, delivery, project)
        _print_delivery(found)
        for attempt in found.attempts:
            _print_attempt(attempt)
        for hint in hints_of(found):
            typer.echo(typer.style("\nHint: ", bold=True) + hint)

    run_with_context(work)


@app.command("replay")
def replay(
    delivery: Annotated[int | None, typer.Argument(help="the delivery's id, or the first of a range")] = None,
    last: Annotated[int | None, typer.Option(help="the last delivery of the range")] = None,
    project: ProjectOption = None,
    since: SinceOption = None,
    status: StatusOption = None,
) -> None:
    """Send settled deliveries again, under their old ids: one, a range, or all since a time or of a status."""
    if delivery is None and since is None and status is None:
        typer.echo("Say what to send again: a delivery, --since or --status.", err=True)
        raise typer.Exit(2)
    if delivery is None and project is None:
        typer.echo("--since and --status need --project.", err=True)
        raise typer.Exit(2)

    async def work(context: "Context") -> None:
        from haversack.webhooks.queries.outbox import add_replays

        project_id = project
        last_id = last
        if delivery is not None:
            project_id = (await _find_delivery(context, delivery, project)).row.project_id
            last_id = last if last is not None or since is not None or status is not None else delivery
        assert project_id is not None
        now = await _now(await get_project(context, project_id))
        made = await add_replays(
            context.database.session(),
            project_id,
            now=now,
            first_delivery_id=delivery,
            last_delivery_id=last_id,
            since=_moment(since, now),
            status=status,
        )
        if not made:
            typer.echo("Nothing to send again: only settled deliveries of events are.", err=True)
            raise typer.Exit(1)
        named = str(made[0]) if len(made) == 1 else f"{made[0]} to {made[-1]}"
        typer.echo(f"{len(made)} to be sent again, as {named}. The worker does it next.")

    run_with_context(work)


@app.command("set")
def set_endpoint(
    project: ProjectArgument,
    url: Annotated[str, typer.Option(help="where webhooks go")],
    secret: Annotated[str, typer.Option(help="what signs them", prompt=True, hide_input=True)],
    purpose: Annotated[Purpose, typer.Option(help="backpack: an address of its own for the Backpack")] = Purpose.STORE,
    enabled: Annotated[bool, typer.Option("--on/--off", help="whether anything is sent")] = True,
    version: Annotated[int | None, typer.Option(min=1, max=2, help="2 adds three members to items")] = None,
) -> None:
    """Set where a project's webhooks go. After a change of the secret the old one signs too for a day."""

    async def work(context: "Context") -> None:
        from haversack.outbound.addresses import AddressRefused
        from haversack.webhooks.actions import save_endpoint

        found = await get_project(context, project)
        try:
            await save_endpoint(
                context,
                context.database.session(),
                found,
                purpose=purpose,
                url=url,
                secret=secret,
                is_enabled=enabled,
                version=version,
            )
        except AddressRefused as refused:
            typer.echo(refused.reason, err=True)
            raise typer.Exit(1) from None
        typer.echo(f"Webhooks of project {project} ({purpose}) go to {url}.")

    run_with_context(work)


@app.command("secret")
def secret(project: ProjectArgument) -> None:
    """Show where a project's webhooks go and the secrets that sign them, in both forms that receivers want."""

    async def work(context: "Context") -> None:
        from haversack.webhooks.queries.endpoints import list_endpoints
        from haversack.webhooks.signing import standard_secret

        await get_project(context, project)
        endpoints = await list_endpoints(context.database.session(), context.sealer, project)
        if not endpoints:
            typer.echo(f"No webhook is set for project {project}.", err=True)
            raise typer.Exit(1)
        for endpoint in endpoints:
            state = "on" if endpoint.is_enabled else f"off. {endpoint.disabled_reason or ''}".strip()
            typer.echo(f"{endpoint.purpose}: {endpoint.url} ({state})")
            typer.echo(f"  Authorization: Signature, sha1(body + secret)   {endpoint.secret}")
            typer.echo(f"  webhook-signature, for Standard Webhooks         {standard_secret(endpoint.secret)}")
            if endpoint.failing_since is not None:
                typer.echo(f"  failing since {_written(endpoint.failing_since)}")

    run_with_context(work)


@app.command("listen")
def listen(
    port: Annotated[int, typer.Option(help="port on 127.0.0.1", min=0, max=65535)] = 8090,
    secret: Annotated[str | None, typer.Option(help="verifies the signatures; not verified without it")] = None,
    fail: Annotated[int | None, typer.Option(help="answer this status instead of 204", min=200, max=599)] = None,
    times: Annotated[int | None, typer.Option(help="fail only so often, then answer 204", min=1)] = None,
) -> None:
    """Receive webhooks on this machine: print and verify each, answer 204 or fail as told. Ctrl-C ends it."""
    import uvicorn

    from haversack.webhooks.listener import Listener

    typer.echo(f"Listening at http://127.0.0.1:{port}/ (any path). Ctrl-C ends it.")
    application = Listener(_print_heard, secret=secret, fail_status=fail, fail_count=times)
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning", lifespan="off", access_log=False)


async def _find_delivery(context: "Context", delivery_id: int, project_id: int | None) -> "Inspected":
    from haversack.webhooks.queries.inspector import find_delivery

    found = await find_delivery(context.database.session(), delivery_id, project_id=project_id)
    if found is None:
        typer.echo(f"There is no delivery {delivery_id}.", err=True)
        raise typer.Exit(1)
    return found


async def _now(project: "Project | None") -> datetime:
    from haversack.clock import real_now

    return project.clock.now() if project is not None else real_now()


def _moment(written: str | None, now: datetime) -> datetime | None:
    """The time that an operator wrote, or the command ends."""
    if written is None:
        return None
    ago = re.fullmatch(r"(\d{1,6})([smhd])", written.strip())
    if ago is not None:
        return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        typer.echo(f"--since must be {SINCE_HELP}", err=True)
        raise typer.Exit(2) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _print_table(rows: "list[DeliveryRow]") -> None:
    if not rows:
        typer.echo("No deliveries.")
        return
    cells = [("DELIVERY", "PROJECT", "MADE", "EVENT", "STATUS", "TRIES", "")]
    for row in rows:
        cells.append(
            (
                str(row.delivery_id),
                str(row.project_id),
                _written(row.created_at),
                row.event_type,
                row.status.value,
                str(row.attempts_made),
                _note(row),
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]) - 1)]
    for number, line in enumerate(cells):
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        if number:
            padded[4] = typer.style(padded[4], fg=COLOURS[rows[number - 1].status])
        typer.echo("  ".join([*padded, line[-1]]).rstrip())


def _note(row: "DeliveryRow") -> str:
    """What the columns do not say: why it failed, when it is tried again, what it is a repeat of."""
    notes = []
    if row.status is DeliveryStatus.PENDING and row.attempts_made:
        notes.append(f"again at {_written(row.next_attempt_at)}: {row.message}")
    elif row.status is DeliveryStatus.WITHHELD:
        notes.append(f"waits for {row.after_delivery_id}")
    elif row.reason is not None:
        notes.append(f"{row.reason}: {' '.join(part for part in (row.code, row.message) if part)}")
    if row.replay_of is not None:
        notes.append(f"replay of {row.replay_of}")
    return "; ".join(notes)


def _print_delivery(found: "Inspected") -> None:
    row = found.row
    typer.echo(f"Delivery {row.delivery_id} of project {row.project_id}: {row.event_type}")
    typer.echo("  status      " + typer.style(row.status.value, fg=COLOURS[row.status]) + f"  {_note(row)}".rstrip())
    typer.echo(f"  webhook-id  {row.event_id}")
    typer.echo(f"  made        {_written(row.created_at)}")
    if row.settled_at is not None:
        typer.echo(f"  settled     {_written(row.settled_at)}")
    for name, value in (("for", row.player_key), ("reference", row.reference or "")):
        if value:
            typer.echo(f"  {name.ljust(10)}  {value}")
    typer.echo(f"  body        {_text(found.body)}")


def _print_attempt(attempt: "Attempt") -> None:
    typer.echo(f"\nAttempt {attempt.attempt_no}, {_written(attempt.started_at)}, {attempt.duration_ms} ms")
    typer.echo(f"  > POST {attempt.request_url}")
    for name, value in attempt.request_headers.items():
        typer.echo(f"  > {name}: {value}")
    if attempt.reply_status is None:
        typer.echo(f"  < no reply ({attempt.failure}): {attempt.failure_reason}")
        return
    typer.echo(f"  < {attempt.reply_status}")
    for name, value in (attempt.reply_headers or {}).items():
        typer.echo(f"  < {name}: {value}")
    if attempt.reply_body:
        typer.echo(f"  < {_text(attempt.reply_body)}")


def _text(body: bytes) -> str:
    """A body as one may print it: what a stranger sent must not steer the terminal."""
    decoded = body.decode("utf-8", "replace")
    printable = "".join(letter if letter.isprintable() else " " for letter in decoded)
    return printable if len(printable) <= BODY_SHOWN_MAX else printable[:BODY_SHOWN_MAX] + " …"


def _print_heard(heard: "Heard") -> None:
    """Print one webhook that `listen` received."""
    repeat = "  (a repeat)" if heard.is_repeat else ""
    typer.echo(f"\n{heard.event_type}  {heard.event_id}{repeat}")
    if heard.verdict is not None:
        for name, fault in (
            ("Authorization: Signature", heard.verdict.wire),
            ("webhook-signature", heard.verdict.standard),
        ):
            word = (
                typer.style("ok", fg=typer.colors.GREEN) if fault is None else typer.style(fault, fg=typer.colors.RED)
            )
            typer.echo(f"  {name.ljust(26)}{word}")
    typer.echo(f"  {_text(heard.body)}")
    typer.echo(f"  answered {heard.status}")
