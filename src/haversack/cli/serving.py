"""`haversack dev`, `serve` and `worker`: the commands that stay."""

import asyncio
import errno
import gc
import logging
import logging.config
import multiprocessing
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import uvicorn

from haversack.cli.connect import connected_settings, development_key, end_with, faults_in_words, load_settings, run

if TYPE_CHECKING:
    from haversack.context import Context
    from haversack.http.dispatch import Dispatcher
    from haversack.settings import Settings

log = logging.getLogger("haversack")

GRACE_SECONDS = 10
BACKLOG = 2048
SOCKET_MESSAGE_BYTES_MAX = 64 * 1024
OPEN_FILES_WANTED = 65_536
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: it would raise the signal again and end us before the database."""

    def __init__(self, config: uvicorn.Config, *, when_ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and say so."""
        await super().startup(sockets)
        if self.started:
            self._when_ready()

    def end(self) -> None:
        """Answer what is under way, then end; the second time at once."""
        self.handle_exit(signal.SIGINT, None)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _ended_by_signals(end: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `end`, however far the command has come."""
    loop = asyncio.get_running_loop()
    for each in ENDING_SIGNALS:
        loop.add_signal_handler(each, end)
    try:
        yield
    finally:
        for each in ENDING_SIGNALS:
            loop.remove_signal_handler(each)


def _log_options(level: str) -> dict[str, Any]:
    """What `logging.config` wants; uvicorn hands it to the processes that it starts."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
                "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        # It tells of each of its plugins.
        "loggers": {"alembic": {"level": "WARNING"}},
    }


def allow_many_connections() -> None:
    """Use as many open files as the system lets a process have: each socket that waits for an order is one, and the
    usual limit of 1,024 is only where a process begins."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as error:
            log.warning("no more than %d files can be open: %s", soft, error)


def _listen(settings: "Settings", *, hint: str) -> socket.socket:
    """The socket of the server. It is taken before anything is started, so that a port in use is told of at once."""
    allow_many_connections()
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        where = f"{settings.host}, port {settings.port}"
        if error.errno == errno.EADDRINUSE:
            text = f"Something listens at {where} already, perhaps another Haversack. Stop it, or {hint}."
        else:
            text = f"Cannot listen at {where} ({error.strerror or error}): {hint}."
        typer.echo(text, err=True)
        raise typer.Exit(1) from None


def _server_options() -> dict[str, Any]:
    # Without uvloop, and httptools behind our protocol, the server is several times slower: their lack is an error.
    return {
        "http": "haversack.http.http_protocol:HttpProtocol",
        "loop": "uvloop",
        "ws": "haversack.http.websockets:open_websocket",
        "ws_max_size": SOCKET_MESSAGE_BYTES_MAX,
        # Clients are pinged in the protocol that they speak; compressing would cost each of them its own buffers.
        "ws_ping_interval": None,
        "ws_per_message_deflate": False,
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "date_header": True,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }


def dev(
    folder: Annotated[
        Path | None,
        typer.Option(help="where the database, keys and pictures are kept", show_default=".haversack"),
    ] = None,
    host: Annotated[str | None, typer.Option(help="address to listen at", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen at", show_default="8044", min=0, max=65535)] = None,
) -> None:
    """Start a server for development: its own database, a demo project, webhooks to this machine allowed."""
    from haversack.database.embedded import EmbeddedDatabaseError
    from haversack.settings import Mode

    given = {"data_folder": folder, "host": host, "port": port}
    settings = load_settings(
        mode=Mode.DEVELOPMENT, **{name: value for name, value in given.items() if value is not None}
    )
    logging.config.dictConfig(_log_options("warning" if settings.log_level == "info" else settings.log_level))
    with _listen(settings, hint="choose another port with --port") as listening:
        settings = settings.model_copy(update={"port": listening.getsockname()[1]})
        try:
            run(_dev(settings, listening))
        except EmbeddedDatabaseError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        except asyncio.CancelledError:
            typer.echo("Stopped before it was ready.", err=True)


async def _dev(settings: "Settings", listening: socket.socket) -> None:
    from pydantic import SecretStr

    from haversack.database.embedded import EmbeddedDatabase

    try:
        settings.data_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        end_with(f"Cannot make {settings.data_folder} ({error.strerror}): choose another folder with --folder.")
    if "public_url" not in settings.model_fields_set:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        settings = settings.model_copy(update={"public_url": f"http://{host}:{settings.port}"})
    settings = settings.model_copy(
        update={
            "outbound_allow_loopback": True,
            "encryption_key": settings.encryption_key or SecretStr(development_key(settings.data_folder)),
        }
    )
    starting = _Starting()
    with _ended_by_signals(starting.end):
        if settings.database_url is not None:
            await _dev_on(settings, listening, starting)
            return
        # PostgreSQL starts in processes of its own. Meanwhile the application is imported.
        importing = asyncio.create_task(asyncio.to_thread(_import_application))
        async with EmbeddedDatabase(settings.data_folder) as database:
            await importing
            with_database = settings.model_copy(update={"database_url": SecretStr(database.url)})
            await _dev_on(with_database, listening, starting)


def _import_application() -> None:
    """Import what answers requests. Nothing of it is garbage, now or ever: looking for some would cost a twentieth of
    the import, and later a pause each time that everything is looked through."""
    gc.disable()
    try:
        import_module("haversack.app")
    finally:
        gc.freeze()
        gc.enable()


class _Starting:
    """What a signal ends: the start of `dev`, by cancelling it once; then its server."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self.server: Server | None = None

    def end(self) -> None:
        """End what is under way."""
        if self.server is not None:
            self.server.end()
        elif self._task is not None:
            self._task.cancel()
            self._task = None


async def _dev_on(settings: "Settings", listening: socket.socket, starting: _Starting) -> None:
    from haversack.app import OUTCOMES
    from haversack.cli.screen import show_dev_screen
    from haversack.context import open_context
    from haversack.database.migrate import migrate
    from haversack.demo.seed import demo_player_token, seed_demo

    assert settings.database_url is not None
    with faults_in_words():
        await migrate(settings.database_url.get_secret_value())
    async with open_context(settings, OUTCOMES) as context:
        demo = await seed_demo(context)
        token = await demo_player_token(context, demo)
        await serve_with_worker(context, listening, starting, when_ready=lambda: show_dev_screen(settings, demo, token))


async def serve_with_worker(
    context: "Context",
    listening: socket.socket,
    starting: _Starting | None = None,
    *,
    when_ready: Callable[[], None],
) -> None:
    """Answer requests at a socket, with a worker beside, until the server is ended or the task cancelled."""
    from haversack.app import build_application, build_worker

    worker = build_worker(context)
    options = _server_options()
    config = uvicorn.Config(build_application(context), lifespan="off", **options)
    server = Server(config, when_ready=when_ready)
    if starting is not None:
        starting.server = server
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(worker.run(), name="worker")
        await server.serve(sockets=[listening])
        await worker.stop()
        working.cancel()


def serve(
    processes: Annotated[int, typer.Option(help="how many processes answer requests", min=1)] = 1,
    with_worker: Annotated[bool, typer.Option("--worker/--no-worker", help="deliver webhooks in here too")] = True,
) -> None:
    """Start a server for production, as the HAVERSACK_… settings say."""
    from haversack.settings import Mode

    settings = load_settings(mode=Mode.PRODUCTION)
    _refuse_faults(settings, command="serve")
    # uvicorn sets logging up, here and in the processes that it starts.
    log_options = _log_options(settings.log_level)
    options = {**_server_options(), "log_config": log_options, "lifespan": "on", "factory": True}
    application = application_of_process if with_worker else application_of_process_without_worker
    with _listen(settings, hint="choose another port with HAVERSACK_PORT") as listening:
        where = f"{settings.host}:{listening.getsockname()[1]}"
        typer.echo(f"Haversack listens at {where} with {processes} process(es).")
        config = uvicorn.Config(application, workers=processes, **options)
        if processes > 1:
            from haversack.cli.processes import Processes

            Processes(config, sockets=[listening]).run()
        elif not run(_serve_alone(Server(config), listening)):
            raise typer.Exit(1)


async def _serve_alone(server: Server, listening: socket.socket) -> bool:
    with _ended_by_signals(server.end):
        await server.serve(sockets=[listening])
    return server.started


def _refuse_faults(settings: "Settings", *, command: str) -> None:
    """End the command where a production server must not start like this."""
    from haversack.startup import faults_of_production

    faults = run(faults_of_production(settings))
    if faults:
        end_with(*faults, f"haversack {command} does not start like this. `haversack doctor` checks the rest.")


def application_of_process() -> "Dispatcher":
    """What each process of `haversack serve` runs: the application, with a worker beside it."""
    _import_application()
    from haversack.app import production_application

    _end_with_parent()
    return production_application()


def application_of_process_without_worker() -> "Dispatcher":
    """What each process of `haversack serve --no-worker` runs."""
    _import_application()
    from haversack.app import production_application_without_worker

    _end_with_parent()
    return production_application_without_worker()


def _end_with_parent() -> None:
    """Let a process that `serve` started end when `serve` is gone: it would hold the port against the next one."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(parent.sentinel)
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(parent.sentinel, end)


def worker() -> None:
    """Deliver webhooks and do scheduled work in a process of its own."""
    settings = connected_settings(load_settings())
    if not settings.is_development:
        _refuse_faults(settings, command="worker")
    logging.config.dictConfig(_log_options(settings.log_level))
    run(_worker(settings))


async def _worker(settings: "Settings") -> None:
    from haversack.app import OUTCOMES, build_worker
    from haversack.context import open_context

    async with open_context(settings, OUTCOMES) as context:
        worker = build_worker(context)
        stopped = asyncio.Event()
        working = asyncio.create_task(worker.run(), name="worker")
        waiting = asyncio.create_task(stopped.wait())
        with _ended_by_signals(stopped.set):
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
            await worker.stop()
        working.cancel()
        waiting.cancel()
        results = await asyncio.gather(working, waiting, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, asyncio.CancelledError):
                raise result
