"""How a command finds its database and encryption key: by settings, or beside a running `haversack dev`."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer
from pydantic import SecretStr, ValidationError

from haversack.private_files import write_private_file
from haversack.settings import Mode, Settings

if TYPE_CHECKING:
    from haversack.context import Context

Result = TypeVar("Result")

KEY_FILE = "encryption.key"


def end_with(*sentences: str, status: int = 1) -> NoReturn:
    """End the command and say why."""
    for sentence in sentences:
        typer.echo(sentence, err=True)
    raise typer.Exit(status)


def load_settings(**overrides: Any) -> Settings:
    """The settings, or the command ends with what is wrong with them."""
    from haversack.startup import faults_of_settings

    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        # The values are left out: one of them may be a secret.
        named = [("HAVERSACK_" + "_".join(map(str, fault["loc"])).upper(), fault["msg"]) for fault in error.errors()]
        end_with(*(f"{name}: {message}" for name, message in named), status=2)
    faults = faults_of_settings(settings)
    if faults:
        end_with(*faults, status=2)
    return settings


def development_key(folder: Path) -> str:
    """The encryption key of a data folder, made with the folder."""
    path = folder / KEY_FILE
    if not path.exists():
        write_private_file(path, secrets.token_urlsafe(48).encode())
    return path.read_text().strip()


def settings_with_database(settings: Settings) -> Settings:
    """Settings with a database in them, or the command ends and says how to give one."""
    from haversack.database.embedded import EmbeddedDatabaseError, running_url

    if settings.database_url is not None:
        return settings
    try:
        url = running_url(settings.data_folder)
    except EmbeddedDatabaseError as error:
        end_with(str(error))
    if url is None:
        end_with("No database: set HAVERSACK_DATABASE_URL, or start `haversack dev` in this folder first.")
    return settings.model_copy(
        update={
            "mode": Mode.DEVELOPMENT,
            "database_url": SecretStr(url),
            # As `haversack dev` chooses it: what one seals the other opens.
            "encryption_key": settings.encryption_key or SecretStr(development_key(settings.data_folder)),
            "outbound_allow_loopback": True,
        }
    )


def connected_settings(settings: Settings) -> Settings:
    """Settings with a database and a key in them, or the command ends and says how to give them."""
    found = settings_with_database(settings)
    if found.encryption_key is None:
        end_with("HAVERSACK_ENCRYPTION_KEY is not set: stored secrets cannot be read without it.")
    return found


def run(main: Awaitable[Result]) -> Result:
    """Run a command's coroutine on uvloop, as the server runs."""
    import uvloop

    async def wrapped() -> Result:
        return await main

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(wrapped())


@contextmanager
def faults_in_words() -> Iterator[None]:
    """End the command with a sentence where the database is away or old, or the change is refused."""
    import asyncpg

    from haversack.database.engine import UNAVAILABLE, DatabaseAway
    from haversack.errors import Refusal

    try:
        yield
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        end_with("The database is not at the schema that this version needs: run `haversack migrate`.")
    except (*UNAVAILABLE, DatabaseAway, asyncpg.InvalidAuthorizationSpecificationError) as error:
        end_with(f"The database cannot be reached: {error or type(error).__name__}")
    except asyncpg.InvalidCatalogNameError as error:
        end_with(f"The database cannot be used: {error}")
    except Refusal as refusal:
        end_with(refusal.message)


def run_with_context(
    command: "Callable[[Context], Awaitable[Result]]", settings: Settings | None = None
) -> Result:
    """Run `command(context)` connected as the settings say."""
    from haversack.context import open_context

    chosen = connected_settings(settings or load_settings())

    async def main() -> Result:
        async with open_context(chosen) as context:
            return await command(context)

    with faults_in_words():
        return run(main())
