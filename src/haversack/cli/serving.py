"""`haversack dev`, `serve` and `worker`: the commands that stay."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from haversack.cli.connect import connected_settings, development_key, load_settings, run
from haversack.settings import Mode, Settings

log = logging.getLogger("haversack")

GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: it would raise the signal again and end us before the database."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self.handle_exit, each, None)
        try:
            yield
        finally:
            for each in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(each)


def _configure_logging(level: str) -> None:
    logging.basicConfig(
        level=level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )


def _server_options(settings: Settings) -> dict[str, Any]:
    # Without httptools and uvloop the server is several times slower; they are named so that their lack is an error.
    return {
        "host": settings.host,
        "port": settings.port,
        "http": "httptools",
        "loop": "uvloop",
        "ws": "none",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "date_header": True,
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "h11_max_incomplete_event_size": 64 * 1024,
    }


def dev(
    folder: Annotated[Path, typer.Option(help="where the database, keys and pictures are kept")] = Path(
        ".haversack"
    ),
    host: Annotated[str, typer.Option(help="address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen at")] = 8044,
) -> None:
    """Start a server for development: its own database, a demo project, webhooks to this machine allowed."""
    from haversack.database.embedded import EmbeddedDatabaseError

    settings = load_settings(mode=Mode.DEVELOPMENT, data_folder=folder, host=host, port=port)
    _configure_logging("warning" if settings.log_level == "info" else settings.log_level)
    try:
        run(_dev(settings))
    except EmbeddedDatabaseError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


async def _dev(settings: Settings) -> None:
    from pydantic import SecretStr

    from haversack.database.embedded import EmbeddedDatabase

    settings.data_folder.mkdir(parents=True, exist_ok=True)
    if "public_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"public_url": f"http://{settings.host}:{settings.port}"})
    settings = settings.model_copy(
        update={
            "outbound_allow_loopback": True,
            "encryption_key": settings.encryption_key or SecretStr(development_key(settings.data_folder)),
        }
    )
    if settings.database_url is not None:
        await _dev_on(settings)
        return
    async with EmbeddedDatabase(settings.data_folder) as database:
        await _dev_on(settings.model_copy(update={"database_url": SecretStr(database.url)}))


async def _dev_on(settings: Settings) -> None:
    from haversack.app import OUTCOMES, build_application, build_worker
    from haversack.cli.screen import show_dev_screen
    from haversack.context import open_context
    from haversack.database.migrate import migrate
    from haversack.demo.seed import demo_player_token, seed_demo

    assert settings.database_url is not None
    await migrate(settings.database_url.get_secret_value())
    async with open_context(settings, OUTCOMES) as context:
        demo = await seed_demo(context)
        token = await demo_player_token(context, demo)
        application = build_application(context)
        worker = build_worker(context)
        server = Server(uvicorn.Config(application, lifespan="off", **_server_options(settings)))
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(worker.run(), name="worker")
            shown = tasks.create_task(
                _show_when_ready(server, lambda: show_dev_screen(settings, demo, token))
            )
            await server.serve()
            shown.cancel()
            await worker.stop()
            working.cancel()


async def _show_when_ready(server: Server, show: Any) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    show()


def serve(
    processes: Annotated[int, typer.Option(help="how many processes answer requests")] = 1,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="deliver webhooks in here too")
    ] = True,
) -> None:
    """Start a server for production, as the HAVERSACK_… settings say."""
    settings = load_settings(mode=Mode.PRODUCTION)
    _configure_logging(settings.log_level)
    faults = run(_faults_of_production(settings))
    if faults:
        for fault in faults:
            typer.echo(fault, err=True)
        typer.echo("haversack serve does not start like this. `haversack doctor` checks the rest.", err=True)
        raise typer.Exit(1)
    options = _server_options(settings)
    name = (
        "haversack.app:production_application"
        if with_worker
        else "haversack.app:production_application_without_worker"
    )
    typer.echo(f"Haversack listens at {settings.host}:{settings.port} with {processes} process(es).")
    uvicorn.run(name, factory=True, lifespan="on", workers=processes if processes > 1 else None, **options)


async def _faults_of_production(settings: Settings) -> list[str]:
    from haversack.startup import faults_of_production

    return await faults_of_production(settings)


def worker() -> None:
    """Deliver webhooks and do scheduled work in a process of its own."""
    settings = connected_settings(load_settings())
    _configure_logging(settings.log_level)
    run(_worker(settings))


async def _worker(settings: Settings) -> None:
    from haversack.app import OUTCOMES, build_worker
    from haversack.context import open_context

    async with open_context(settings, OUTCOMES) as context:
        worker = build_worker(context)
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, stopped.set)
        working = asyncio.create_task(worker.run(), name="worker")
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        await worker.stop()
        working.cancel()
        waiting.cancel()
        results = await asyncio.gather(working, waiting, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, asyncio.CancelledError):
                raise result
