"""`haversack import`, `export` and `seed`: a whole catalog into a project, out of it, or made up."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haversack.catalog.transfer.records import ImportMode
from haversack.cli.connect import connected_settings, end_with, load_settings, run_with_context
from haversack.cli.projects import ID_MAX, ProjectId, get_project
from haversack.projects.keys import KeyKind

if TYPE_CHECKING:
    from haversack.context import Context

FAULTS_SHOWN_MAX = 200
SEEDED_MAX = 1_000_000
DEFAULT_SEEDED = 10_000


class _Bar:
    """Shows on the screen how far something is; on no screen it says nothing."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._shown = -1

    async def show(self, done: int, total: int) -> None:
        """Redraw, where it has moved by a percent."""
        percent = done * 100 // max(total, 1)
        if percent != self._shown and sys.stderr.isatty():
            self._shown = percent
            filled = percent * 30 // 100
            typer.echo(f"\r{self._label} {'█' * filled}{'░' * (30 - filled)} {percent:3} %", err=True, nl=False)

    def end(self) -> None:
        """Leave the line."""
        if self._shown >= 0:
            typer.echo(err=True)


def import_(
    project_id: ProjectId,
    file: Annotated[
        Path, typer.Argument(help="a JSON file: an export, or arrays of items", exists=True, dir_okay=False)
    ],
    mode: Annotated[
        ImportMode,
        typer.Option(help="create: new items only; sync: hide items that the file does not have"),
    ] = ImportMode.CREATE_AND_UPDATE,
) -> None:
    """Import a catalog into a project. Items are imported whole or not at all, and the same file twice is once."""

    async def work(context: "Context") -> None:
        from haversack.catalog.transfer.running import ImportFailed, import_file

        project = await get_project(context, project_id)
        bar = _Bar("Importing")
        try:
            faults = await import_file(
                context, project, file.read_bytes(), name=file.name, mode=mode, progress=bar.show
            )
        except ImportFailed as failure:
            bar.end()
            end_with(str(failure))
        bar.end()
        for fault in faults[:FAULTS_SHOWN_MAX]:
            typer.echo(f"  {fault.sku or '(no SKU)'} ({fault.type or 'file'}): {fault.message}", err=True)
        if len(faults) > FAULTS_SHOWN_MAX:
            typer.echo(f"  and {len(faults) - FAULTS_SHOWN_MAX} more", err=True)
        if faults:
            end_with(f"{len(faults)} rows were not imported; the others were.")
        typer.echo(f"{file.name} is imported into project {project_id}.")

    run_with_context(work)


def export(
    project_id: ProjectId,
    file: Annotated[Path | None, typer.Argument(help="where to write; the screen without it", dir_okay=False)] = None,
) -> None:
    """Export the catalog of a project as JSON: the same catalog is the same bytes. It holds no codes and no secrets."""

    async def work(context: "Context") -> bytes:
        from haversack.catalog.transfer.writing import export_catalog

        project = await get_project(context, project_id)
        return await export_catalog(context.database.session(), project.project_id)

    content = run_with_context(work)
    if file is None:
        sys.stdout.buffer.write(content)
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        end_with(f"{file} cannot be written: {error.strerror}.")
    typer.echo(f"The catalog of project {project_id} is in {file}.", err=True)


def seed(
    items: Annotated[
        int, typer.Option(help="how many items; keys of games count", min=1, max=SEEDED_MAX)
    ] = DEFAULT_SEEDED,
    project: Annotated[
        int | None, typer.Option(help="the project to fill; a new one without it", min=1, max=ID_MAX)
    ] = None,
    number: Annotated[int, typer.Option("--seed", help="the same number makes the same catalog", min=0)] = 1,
) -> None:
    """Fill a project with a made-up catalog of all kinds, to try things out at a real size."""
    settings = connected_settings(load_settings())

    async def work(context: "Context") -> None:
        from haversack.catalog.transfer.seeding import SeedRefused, seed_catalog
        from haversack.projects.actions import create_project

        project_id = project
        if project_id is None:
            kind = KeyKind.PROJECT_TEST if settings.is_development else KeyKind.PROJECT_LIVE
            made = await create_project(context, name=f"Seeded with {items} items", merchant_name="Seeded", kind=kind)
            project_id = made.project_id
            typer.echo(f"Project {project_id} is made. Its API key, shown this once: {made.api_key}")
        bar = _Bar("Seeding")
        try:
            count = await seed_catalog(context, project_id, items=items, seed=number, progress=bar.show)
        except SeedRefused as refusal:
            bar.end()
            end_with(str(refusal))
        bar.end()
        typer.echo(f"Project {project_id} has {count} seeded items.")

    run_with_context(work, settings)
