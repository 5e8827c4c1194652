"""Gathers the commands of `haversack`. Each command imports what it needs when it runs, so that all start quickly."""

from typing import Annotated

import typer

from haversack import __version__
from haversack.cli import (
    books,
    catalog,
    clock,
    drill,
    explain,
    orders,
    pay,
    payments,
    projects,
    rehearse,
    serving,
    upkeep,
    webhooks,
)

app = typer.Typer(
    name="haversack",
    help="A self-hosted game-commerce server. `haversack dev` starts one on this machine with everything in it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"haversack {__version__}")
        raise typer.Exit


@app.callback()
def haversack(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Read what stands before a command."""


app.command("dev")(serving.dev)
app.command("serve")(serving.serve)
app.command("worker")(serving.worker)
app.command("migrate")(upkeep.migrate)
app.command("openapi")(upkeep.openapi)
app.command("doctor")(upkeep.doctor)
app.command("verify")(books.verify)
app.command("reference")(upkeep.reference)
app.command("import")(catalog.import_)
app.command("export")(catalog.export)
app.command("seed")(catalog.seed)
app.command("pay")(pay.pay)
app.command("rehearse")(rehearse.rehearse)
projects.project_app.add_typer(payments.tax_app, name="tax")
app.add_typer(projects.project_app, name="project")
app.add_typer(projects.player_app, name="player")
app.add_typer(clock.app, name="clock")
app.add_typer(explain.app, name="explain")
app.add_typer(orders.app, name="orders")
app.add_typer(payments.app, name="payments")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(drill.app, name="drill")
