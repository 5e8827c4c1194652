"""`haversack verify`: whether what everybody has follows from the books."""

from typing import TYPE_CHECKING, Annotated

import typer

from haversack.cli.connect import run_with_context

if TYPE_CHECKING:
    from haversack.context import Context


def verify(
    project: Annotated[int | None, typer.Option(help="this project alone")] = None,
) -> None:
    """Derive every balance, item, stock, use, code and right from the ledger, and name each difference."""

    async def work(context: "Context") -> int:
        from haversack.inventory.verifying import find_differences, list_projects

        known = await list_projects(context.database)
        if project is not None and project not in known:
            typer.echo(f"There is no project {project}.", err=True)
            return 1
        count = 0
        for each in known if project is None else [project]:
            typer.echo(f"project {each} ...", err=True)
            async for difference in find_differences(context.database, each):
                typer.echo(str(difference))
                count += 1
        differences = "1 difference" if count == 1 else f"{count} differences"
        typer.echo("Everything follows from the books." if not count else f"{differences} found.", err=True)
        return count

    if run_with_context(work):
        raise typer.Exit(1)
