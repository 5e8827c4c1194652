"""How a command finds its database and encryption key: by settings, or beside a running `haversack dev`."""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from haversack.private_files import write_private_file

if TYPE_CHECKING:
    from haversack.context import Context
    from haversack.settings import Settings
    from haversack.webhooks.outcomes import OutcomeHandler

Result = TypeVar("Result")

KEY_FILE = "encryption.key"
PUBLIC_ADDRESS = re.compile(r"https?://[^/?#@\s]+(?:/[^?#\s]*)?")
# It becomes a part of the Content-Security-Policy, which anything else would end or widen.
FRAME_SITE = re.compile(r"[^\s;,]+")
LISTS = {"outbound_allow_private": '["10.0.0.0/8"]', "payment_page_frames": '["https://play.example.com"]'}
# A password with one of /?# in it would be read as another address, or not at all.
HOST = r"(?:\[[^\]]*\]|[^/?#@:,]*)(?::\d{1,5})?"
DATABASE_ADDRESS = re.compile(
    rf"postgres(?:ql)?(?:\+asyncpg)?://(?:[^/?#]*@)?{HOST}(?:,{HOST})*(?:/[^?#@]*)?(?:\?[^#]*)?"
)


def end_with(*sentences: str, status: int = 1) -> NoReturn:
    """End the command and say why."""
    for sentence in sentences:
        typer.echo(sentence, err=True)
    raise typer.Exit(status)


def _faults_of_settings(settings: "Settings") -> list[str]:
    """What no command can work with; empty where nothing is wrong. The sentences never repeat a secret."""
    faults = []
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        if DATABASE_ADDRESS.fullmatch(url) is None:
            faults.append(
                "HAVERSACK_DATABASE_URL must look like postgresql://user:password@host:5432/name. Write special"
                " characters of the password as %XX: %2F for /, %3F for ?, %23 for #."
            )
    if settings.log_level.upper() not in logging.getLevelNamesMapping():
        faults.append("HAVERSACK_LOG_LEVEL must be debug, info, warning, error or critical.")
    if PUBLIC_ADDRESS.fullmatch(settings.public_url) is None:
        faults.append("HAVERSACK_PUBLIC_URL must look like https://shop.example.com.")
    if any(FRAME_SITE.fullmatch(site) is None for site in settings.payment_page_frames or ()):
        faults.append("HAVERSACK_PAYMENT_PAGE_FRAMES must be sites such as https://play.example.com.")
    for network in settings.outbound_allow_private:
        try:
            ip_network(network)
        except ValueError as error:
            faults.append(f"HAVERSACK_OUTBOUND_ALLOW_PRIVATE: {error}.")
    return faults


def _must_be_list(name: str) -> str:
    return f"HAVERSACK_{name.upper()} must be a JSON list, such as {LISTS[name]}." if name in LISTS else ""


def load_settings(**overrides: Any) -> "Settings":
    """The settings, or the command ends with what is wrong with them."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from haversack.settings import Settings

    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        # The values are left out: one of them may be a secret.
        named = [("_".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        end_with(*(_must_be_list(name) or f"HAVERSACK_{name.upper()}: {said}" for name, said in named), status=2)
    except SettingsError:
        end_with(_must_be_list("outbound_allow_private"), status=2)
    faults = _faults_of_settings(settings)
    if faults:
        end_with(*faults, status=2)
    return settings


def development_key(folder: Path) -> str:
    """The encryption key of a data folder, made with the folder."""
    path = folder / KEY_FILE
    if not path.exists():
        write_private_file(path, secrets.token_urlsafe(48).encode())
    return path.read_text().strip()


def settings_with_database(settings: "Settings") -> "Settings":
    """Settings with a database in them, or the command ends and says how to give one."""
    from pydantic import SecretStr

    from haversack.database.embedded import EmbeddedDatabaseError, running_url
    from haversack.settings import Mode

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


def connected_settings(settings: "Settings") -> "Settings":
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

    from haversack.database.engine import DatabaseAway, fault_in_words
    from haversack.database.migrate import SchemaMismatch
    from haversack.errors import Refusal

    try:
        yield
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        end_with("The database is not at the schema that this version needs: run `haversack migrate`.")
    except SchemaMismatch as error:
        end_with(str(error))
    except (DatabaseAway, asyncpg.InsufficientPrivilegeError, asyncpg.LockNotAvailableError) as error:
        end_with(fault_in_words(error))
    except BrokenPipeError:
        raise  # `| head` has read enough
    except OSError as error:
        end_with(str(error))
    except Refusal as refusal:
        end_with(refusal.message)


def run_with_context(
    command: "Callable[[Context], Awaitable[Result]]",
    settings: "Settings | None" = None,
    outcomes: "Mapping[str, OutcomeHandler] | None" = None,
) -> Result:
    """Run `command(context)` connected as the settings say, on a database that is at the schema of this version.

    outcomes: who is told of the results of deliveries. A command that delivers none needs none.
    """
    from haversack.context import open_context
    from haversack.database.migrate import check_schema

    chosen = connected_settings(settings or load_settings())
    assert chosen.database_url is not None
    url = chosen.database_url.get_secret_value()

    async def main() -> Result:
        await check_schema(url)
        async with open_context(chosen, outcomes) as context:
            return await command(context)

    with faults_in_words():
        return run(main())
