"""`haversack migrate`, `openapi`, `doctor` and `reference`: commands that do one thing and end."""

import json
from pathlib import Path
from typing import Annotated

import typer

from haversack.cli.connect import faults_in_words, load_settings, run, settings_with_database


def migrate() -> None:
    """Bring the database to the schema that this version needs."""
    from haversack.database.migrate import migrate as migrate_database

    settings = settings_with_database(load_settings())
    assert settings.database_url is not None
    typer.echo("Migrating ...", err=True)
    with faults_in_words():
        before, after = run(migrate_database(settings.database_url.get_secret_value()))
    typer.echo(f"The database is at {after}." if before == after else f"Migrated from {before or 'empty'} to {after}.")


def openapi() -> None:
    """Print the OpenAPI document. Needs no database."""
    from haversack.app import describe

    typer.echo(json.dumps(describe(), indent=1, ensure_ascii=False))


def reference(folder: Annotated[Path, typer.Argument(help="where to write")] = Path("docs")) -> None:
    """Write operations.md, errors.md and events.md from the code."""
    from haversack.reference import reference_files

    folder.mkdir(parents=True, exist_ok=True)
    for name, text in reference_files().items():
        (folder / name).write_text(text)
        typer.echo(f"wrote {folder / name}")


def doctor() -> None:
    """Say what is wrong with this set-up, in words."""
    from haversack.startup import examine

    settings = load_settings()
    with faults_in_words():
        findings = run(examine(settings))
    for finding in findings:
        mark = {"ok": "  ok     ", "warning": "  look   ", "fault": "  FAULT  "}[finding.level]
        typer.echo(mark + finding.sentence)
    if any(finding.level == "fault" for finding in findings):
        typer.echo(f"\nSettings are read from the environment and {Path('.env').resolve()}.", err=True)
        raise typer.Exit(1)
