"""How a command finds its database and encryption key: by settings, or beside a running `haversack dev`."""

import asyncio
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer
from pydantic import SecretStr, ValidationError

from haversack.settings import Mode, Settings

if TYPE_CHECKING:
    from haversack.context import Context

Result = TypeVar("Result")

KEY_FILE = "encryption.key"


def load_settings(**overrides: object) -> Settings:
    """The settings, or the command ends with what is wrong with them."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        for fault in error.errors():
            name = "HAVERSACK_" + "_".join(str(step) for step in fault["loc"]).upper()
            typer.echo(f"{name}: {fault['msg']}", err=True)
        raise typer.Exit(2) from None


def write_secret_file(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def development_key(folder: Path) -> str:
    """The encryption key of a data folder, made with the folder."""
    path = folder / KEY_FILE
    if not path.exists():
        write_secret_file(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def connected_settings(settings: Settings) -> Settings:
    """Settings with a database and a key in them, or the command ends and says how to give them."""
    from haversack.database.embedded import running_url

    if settings.database_url is not None and settings.encryption_key is not None:
        return settings
    if settings.database_url is None:
        url = running_url(settings.data_folder)
        if url is None:
            typer.echo(
                "No database: set HAVERSACK_DATABASE_URL, or start `haversack dev` in this folder first.",
                err=True,
            )
            raise typer.Exit(1)
        return settings.model_copy(
            update={
                "mode": Mode.DEVELOPMENT,
                "database_url": SecretStr(url),
                "encryption_key": SecretStr(development_key(settings.data_folder)),
                "outbound_allow_loopback": True,
            }
        )
    typer.echo("HAVERSACK_ENCRYPTION_KEY is not set: stored secrets cannot be read without it.", err=True)
    raise typer.Exit(1)


def run(main: Awaitable[Result]) -> Result:
    """Run a command's coroutine on uvloop, as the server runs."""
    import uvloop

    async def wrapped() -> Result:
        return await main

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(wrapped())


def run_with_context(
    command: "Callable[[Context], Awaitable[Result]]", settings: Settings | None = None
) -> Result:
    """Run `command(context)` connected as the settings say."""
    from haversack.context import open_context
    from haversack.database.engine import DatabaseAway

    chosen = connected_settings(settings or load_settings())

    async def main() -> Result:
        async with open_context(chosen) as context:
            return await command(context)

    try:
        return run(main())
    except DatabaseAway as error:
        typer.echo(f"The database cannot be reached: {error}", err=True)
        sys.exit(1)
