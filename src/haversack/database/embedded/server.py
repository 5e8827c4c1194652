"""Starting and stopping the embedded PostgreSQL of one folder."""

import asyncio
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import asyncpg

from haversack.database.embedded.errors import EmbeddedDatabaseError
from haversack.database.embedded.lodging import (
    Lodging,
    choose_lodging,
    find_home,
    prepare_socket_folder,
    read_server_version,
)
from haversack.database.embedded.postmaster import PORT, clear_stale_files, end_leftover, find_postmaster
from haversack.database.embedded.process import LaunchedProcess, run_to_end

ROLE = "haversack"
DATABASE = "haversack"
PARTIAL_PREFIX = "postgres.partial-"
INITDB_SECONDS_MAX = 120.0
# After a crash the server first replays its log.
READY_SECONDS_MAX = 120.0
CONNECT_SECONDS_MAX = 10.0
# How long processes of a killed server may take to notice that it is gone.
MEMORY_SECONDS_MAX = 10.0
MEMORY_IN_USE = "pre-existing shared memory block"

# A small development machine. What is promised to callers (fsync, synchronous_commit) is as in production.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "autovacuum_max_workers": "2",
    "jit": "off",
    # No replicas of a development server, and no processes that would wait for them or read ahead for it.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


class EmbeddedDatabase:
    """A PostgreSQL server on the data kept in `folder`, reached by a socket and a password.

    `options` are PostgreSQL settings beside or instead of SETTINGS, for instance ``{"fsync": "off"}`` for
    tests. The server ends with `stop`, or when this process ends in whatever way. Only one at a time can use
    a folder.
    """

    def __init__(self, folder: Path, *, options: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._options = {**SETTINGS, **(options or {})}
        self._lock: int | None = None
        self._lodging: Lodging | None = None
        self._socket_folder: Path | None = None
        self._process: LaunchedProcess | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The server's address with its password, while it runs; asyncpg and SQLAlchemy read it."""
        if self._url is None:
            raise EmbeddedDatabaseError("The embedded database has not been started.")
        return self._url

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server, made anew on first use, and return once its database accepts connections.

        Raises EmbeddedDatabaseError with what to do about it; nothing then runs or stays locked.
        """
        if self._url is not None:
            return
        starting = asyncio.ensure_future(asyncio.to_thread(self._start_server))
        try:
            url = await asyncio.shield(starting)
            await _ensure_database(url)
        except BaseException as error:
            if not starting.done():  # cancelled, which the thread cannot be: let it find the server gone
                if self._process is not None:
                    self._process.close()
                await asyncio.wait({starting})
                starting.exception()
            await self.stop()
            if isinstance(error, OSError):
                text = f"The embedded database in {self._folder} cannot start: {error}"
                raise EmbeddedDatabaseError(text) from error
            raise
        self._url = url

    async def stop(self) -> None:
        """Stop the server in an orderly way, by force after a bounded wait; may be repeated."""
        self._url = None
        if self._process is not None:
            self._process.close()
        await asyncio.to_thread(self._stop_server)

    def _start_server(self) -> str:
        folder = _make_folder(self._folder)
        self._lock = _lock_folder(folder)
        self._lodging = lodging = choose_lodging(folder)
        _check_version(lodging)
        password = _keep_password(lodging)
        end_leftover(lodging.data)
        log = folder / "postgres.log"
        if not lodging.data.exists():
            _make_data(lodging, log)
        self._socket_folder = socket_folder = prepare_socket_folder(lodging)
        clear_stale_files(lodging.data, socket_folder)
        settings = {**self._options, "unix_socket_directories": f'"{socket_folder}"'}
        command = [lodging.program("postgres"), "-D", str(lodging.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._launch_server(command, lodging, log)
        return _make_url(password, str(socket_folder))

    def _launch_server(self, command: list[str], lodging: Lodging, log: Path) -> None:
        deadline = time.monotonic() + MEMORY_SECONDS_MAX
        while True:
            self._process = process = LaunchedProcess(command, identity=lodging.identity, log=log)
            if process.is_ready_within(READY_SECONDS_MAX):
                return
            process.stop()
            tail = process.log_tail()
            # Processes of a killed server end by themselves, a moment after it.
            if MEMORY_IN_USE not in tail or time.monotonic() > deadline:
                raise EmbeddedDatabaseError(f"PostgreSQL did not start on {lodging.data}. The end of {log}:\n{tail}")

    def _stop_server(self) -> None:
        try:
            if self._process is not None:
                self._process.stop()
                self._process = None
            if self._lodging is not None:
                # The launcher ends last; should it have been killed, the server may still be on its way.
                end_leftover(self._lodging.data)
                if self._socket_folder and self._socket_folder.parent != self._lodging.home:
                    shutil.rmtree(self._socket_folder, ignore_errors=True)  # nothing of ours stays outside
                self._lodging = self._socket_folder = None
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None


def running_url(folder: Path) -> str | None:
    """Return the address of the server that runs on `folder` now, None when none does or is not ready yet."""
    home = find_home(folder.resolve())
    try:
        server = find_postmaster(home / "postgres")
        if server is None or not server.is_ready:
            return None
        return _make_url((home / "password").read_text(), server.socket_folder)
    except PermissionError as error:
        raise EmbeddedDatabaseError(
            f"The database in {folder} belongs to another user ({error}). Run this command as that user."
        ) from error


def _make_url(password: str, socket_folder: str) -> str:
    # The port is said because PGPORT would otherwise decide it.
    return f"postgresql://{ROLE}:{password}@/{DATABASE}?host={quote(socket_folder)}&port={PORT}"


def _make_folder(folder: Path) -> Path:
    folder = folder.resolve()
    if not folder.exists():
        folder.mkdir(parents=True)
        # What is in it is private by itself; the server's account must be able to pass.
        folder.chmod(0o755)
    return folder


def _lock_folder(folder: Path) -> int:
    """Return the descriptor that holds the folder's lock, which the system frees when this process ends."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(descriptor, 64).decode().strip()
        os.close(descriptor)
        raise EmbeddedDatabaseError(
            f"Another Haversack (process {owner or 'unknown'}) is using the database in {folder}. "
            "Stop it first, or choose another folder."
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _check_version(lodging: Lodging) -> None:
    if not lodging.data.exists():
        return
    try:
        of_data = (lodging.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedDatabaseError(
            f"{lodging.data} exists but holds no PostgreSQL data. Move it away and start again."
        ) from None
    of_server = read_server_version(lodging)
    if of_data != of_server.split(".")[0]:
        raise EmbeddedDatabaseError(
            f"The data in {lodging.data} was written by PostgreSQL {of_data}; this Haversack brings "
            f"PostgreSQL {of_server}, which cannot read it. To keep the data, dump it with pg_dump under the "
            f"Haversack that wrote it and restore it here; to begin anew, move {lodging.data} away."
        )


def _keep_password(lodging: Lodging) -> str:
    if lodging.password.exists():
        lodging.give(lodging.password)
        return lodging.password.read_text()
    if lodging.data.exists():
        raise EmbeddedDatabaseError(
            f"The password file {lodging.password} is missing. Put it back, or move {lodging.data} away to begin anew."
        )
    password = secrets.token_urlsafe(32)
    partial = lodging.password.with_name("password.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
        file.flush()
        os.fsync(file.fileno())
    lodging.give(partial)
    partial.rename(lodging.password)
    return password


def _make_data(lodging: Lodging, log: Path) -> None:
    """Run initdb beside the data's place and move the result there, so that half-made data is never found."""
    for abandoned in lodging.home.glob(f"{PARTIAL_PREFIX}*"):
        # Programs of an initdb killed just now may still write there; what they leave goes the next time.
        shutil.rmtree(abandoned, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=lodging.home))
    lodging.give(partial)
    command = [lodging.program("initdb"), "-D", str(partial), "-U", ROLE, f"--pwfile={lodging.password}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions"]
    # The same order and letter cases on every system, and small log segments for a small machine.
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--wal-segsize=4"]
    failed = run_to_end(command, identity=lodging.identity, log=log, seconds=INITDB_SECONDS_MAX)
    if failed:
        raise EmbeddedDatabaseError(f"PostgreSQL could not make its data in {partial}:\n{failed.log_tail()}")
    partial.rename(lodging.data)
    descriptor = os.open(lodging.home, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


async def _ensure_database(url: str) -> None:
    """Make the database unless it exists; raise when the server cannot be used."""
    try:
        connection = await asyncpg.connect(url, database="postgres", timeout=CONNECT_SECONDS_MAX)
        try:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()
    except asyncpg.InvalidPasswordError as error:
        raise EmbeddedDatabaseError(
            "The embedded database refuses the password in its password file. Put the right file back, "
            "or move the folder 'postgres' away to begin anew."
        ) from error
    except (TimeoutError, asyncpg.PostgresError) as error:
        raise EmbeddedDatabaseError(f"The embedded database runs but cannot be used: {error!r}") from error
