"""`haversack orders …`: look at orders, and at what keeps paid ones from being done."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from haversack.cli.connect import end_with, run_with_context
from haversack.orders.records import OrderState

if TYPE_CHECKING:
    from haversack.context import Context
    from haversack.orders.overviews import ListedOrder
    from haversack.orders.records import Order, OrderLine

app = typer.Typer(help="Orders: where they stand, and why paid ones are not done.", no_args_is_help=True)

ProjectOption = Annotated[int | None, typer.Option("--project", help="the project's id")]
COLOURS = {
    OrderState.NEW: typer.colors.YELLOW,
    OrderState.PAID: typer.colors.CYAN,
    OrderState.DONE: typer.colors.GREEN,
    OrderState.CANCELED: typer.colors.RED,
    OrderState.EXPIRED: typer.colors.RED,
}


@app.command("list")
def list_all(
    project: ProjectOption = None,
    state: Annotated[OrderState | None, typer.Option(help="only orders that stand there")] = None,
    player: Annotated[str | None, typer.Option(help="only orders of a player, by the name that the game has")] = None,
    limit: Annotated[int, typer.Option(help="how many, the newest first", min=1, max=10_000)] = 50,
) -> None:
    """List orders, the newest first."""

    async def work(context: "Context") -> None:
        from haversack.orders.overviews import list_orders

        rows = await list_orders(
            context.database.session(), project_id=project, state=state, external_id=player, count=limit
        )
        _print_table(rows)

    run_with_context(work)


@app.command("stuck")
def stuck(
    hours: Annotated[float, typer.Option(help="paid longer ago than this, by the project's clock", min=0)] = 0.0,
) -> None:
    """List paid orders that no game has taken yet, the oldest first, and why."""

    async def work(context: "Context") -> int:
        from haversack.orders.overviews import list_stuck

        found = await list_stuck(context.database.session(), age=timedelta(hours=hours))
        for each in found:
            paid_at = each.paid_at.isoformat(timespec="seconds")
            typer.echo(f"order {each.order_id} of project {each.project_id}, paid {paid_at}: {each.why}")
        if not found:
            typer.echo("Every paid order is done.", err=True)
        return len(found)

    if run_with_context(work):
        raise typer.Exit(1)


@app.command("show")
def show(
    order: Annotated[int, typer.Argument(help="the order's number")],
    project: ProjectOption = None,
) -> None:
    """Show an order with its lines, and what a paid one waits for."""

    async def work(context: "Context") -> None:
        from haversack.orders.overviews import find_project_of, why_waiting
        from haversack.orders.queries import find_order

        db = context.database.session()
        project_id = project if project is not None else await find_project_of(db, order)
        found = None if project_id is None else await find_order(db, project_id, order)
        if found is None:
            end_with(f"There is no order {order}" + ("." if project is None else f" in project {project}."))
        _print_order(found)
        if found.state is OrderState.PAID:
            typer.echo(typer.style("\nNot done: ", bold=True) + await why_waiting(db, found))

    run_with_context(work)


def _print_table(rows: "list[ListedOrder]") -> None:
    if not rows:
        typer.echo("No orders.", err=True)
        return
    header = ("order", "project", "state", "paid in", "amount", "player", "created")
    table = [
        (
            str(row.order_id),
            str(row.project_id),
            row.state.value,
            row.currency or "nothing",
            "" if row.amount is None else f"{row.amount:f}",
            row.external_id[:40],
            row.created_at.isoformat(timespec="seconds"),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (header, *table)) for column in range(len(header))]
    typer.echo("  ".join(typer.style(cell.ljust(width), bold=True) for cell, width in zip(header, widths, strict=True)))
    for row, line in zip(rows, table, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        cells[2] = typer.style(cells[2], fg=COLOURS[row.state])
        typer.echo("  ".join(cells).rstrip())


def _print_order(order: "Order") -> None:
    facts = [
        ("order", str(order.order_id)),
        ("project", str(order.project_id)),
        ("state", order.state.value),
        ("player", f"{order.external_id} ({order.player_id}){', a guest' if order.is_guest else ''}"),
        ("mode", "sandbox" if order.is_sandbox else "default"),
        ("costs", "nothing" if order.amount is None else f"{order.amount:f} {order.currency}"),
        ("goes to", order.destination.value),
        ("created", order.created_at.isoformat(timespec="seconds")),
        ("expires", order.expires_at.isoformat(timespec="seconds")),
        ("paid", "" if order.paid_at is None else order.paid_at.isoformat(timespec="seconds")),
        ("ended", "" if order.ended_at is None else order.ended_at.isoformat(timespec="seconds")),
        ("payment", "" if order.payment_id is None else str(order.payment_id)),
        ("webhook", "" if order.delivery_id is None else f"delivery {order.delivery_id}"),
        ("comment", order.comment or ""),
    ]
    for name, value in facts:
        if value:
            typer.echo(f"{typer.style(name.ljust(9), dim=True)} {value}")
    typer.echo()
    for line in order.lines:
        typer.echo(_line(line))


def _line(line: "OrderLine") -> str:
    indent = "  " if line.parent_line_no is None else "      "
    held = line.reserved
    notes = [
        "" if line.amount is None else f"{line.amount:f}",
        "free" if line.is_free else "",
        f"stock {held.stock}" if held.stock else "",
        f"limit {held.uses}" if held.uses else "",
        f"pre-orders {held.pre_orders}" if held.pre_orders else "",
        f"codes {len(held.codes)}" if held.codes else "",
        f"{line.codes_owed} codes owed" if line.codes_owed else "",
    ]
    shown = ", ".join(note for note in notes if note)
    return f"{indent}{line.quantity} x {line.sku} ({line.kind.value})" + (f": {shown}" if shown else "")
