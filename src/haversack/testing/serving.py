"""The process of a server for tests, which serves on a free port.

It makes the projects and players that it is asked for by lines of JSON on its standard input, and ends with it.
"""

import asyncio
import logging
import socket
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import orjson
from pydantic import SecretStr

from haversack.app import OUTCOMES
from haversack.cli.connect import development_key, run
from haversack.cli.serving import BACKLOG, serve_with_worker
from haversack.context import Context, open_context
from haversack.database.embedded import EmbeddedDatabase
from haversack.database.migrate import migrate
from haversack.login.actions import issue_player_token
from haversack.projects.actions import create_project
from haversack.projects.keys import KeyKind
from haversack.settings import Mode, Settings

# What tests write is gone with their folder: nothing of it has to survive a power failure.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
HOST = "127.0.0.1"


async def serve(folder: Path) -> None:
    """Serve until standard input ends."""
    asked = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    with socket.create_server((HOST, 0), backlog=BACKLOG) as listening:
        base_url = f"http://{HOST}:{listening.getsockname()[1]}"
        async with EmbeddedDatabase(folder, options=NOT_DURABLE) as database:
            await migrate(database.url)
            async with open_context(_settings(folder, database.url, base_url), OUTCOMES) as context:
                await _serve(context, listening, asked, base_url)


def _settings(folder: Path, database_url: str, base_url: str) -> Settings:
    """Nothing of the user's environment, so that tests find the same server everywhere."""
    return Settings.model_construct(
        **{
            **{name: field.default for name, field in Settings.model_fields.items()},
            "mode": Mode.DEVELOPMENT,
            "database_url": SecretStr(database_url),
            "encryption_key": SecretStr(development_key(folder)),
            "data_folder": folder,
            "public_url": base_url,
            "outbound_allow_loopback": True,
        }
    )


async def _serve(context: Context, listening: socket.socket, asked: asyncio.StreamReader, base_url: str) -> None:
    serving = asyncio.create_task(
        serve_with_worker(context, listening, when_ready=lambda: _say({"base_url": base_url}))
    )
    answering = asyncio.create_task(_answer(context, asked))
    done, _ = await asyncio.wait({serving, answering}, return_when=asyncio.FIRST_COMPLETED)
    for task in (serving, answering):
        task.cancel()
    await asyncio.gather(serving, answering, return_exceptions=True)
    for task in done:
        task.result()


async def _answer(context: Context, asked: asyncio.StreamReader) -> None:
    while line := await asked.readline():
        request = orjson.loads(line)
        made = await (_make_project(context) if request["make"] == "project" else _make_player(context, request))
        _say(made)


async def _make_project(context: Context) -> dict[str, Any]:
    made = await create_project(context, name="A test", merchant_name="A test", kind=KeyKind.PROJECT_TEST)
    return {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(made).items()}


async def _make_player(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    login_project_id = UUID(request["login_project_id"])
    try:
        player_id, username = UUID(request["player"]), None
    except ValueError:
        player_id, username = uuid5(login_project_id, request["player"]), request["player"]
    token = await issue_player_token(context, login_project_id, player_id, username=username)
    return {"player_id": str(player_id), "token": token}


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    run(serve(Path(sys.argv[1])))
