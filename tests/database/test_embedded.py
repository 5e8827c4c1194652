"""The embedded PostgreSQL: kept between starts, private, and gone with its parent, however that one ends."""

# ruff: noqa: ASYNC220, ASYNC221, ASYNC240 -- nothing else runs in these tests' event loops

import asyncio
import contextlib
import os
import pwd
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import dialect as sqlalchemy_dialect

from haversack.database.embedded import EmbeddedDatabase, EmbeddedDatabaseError, lodging, running_url
from haversack.database.embedded.launcher import LOG_BYTES_MAX, BoundedLog
from haversack.database.embedded.postmaster import find_postmaster
from haversack.database.embedded.process import Identity, LaunchedProcess

StartParent = Callable[[Path], subprocess.Popen[str]]

END_SECONDS_MAX = 10.0
# Starts a database, keeps a row in it and waits; says when it is ready. Ctrl-C ends it in an orderly way.
PARENT = """
    import asyncio, signal, sys
    from pathlib import Path
    import asyncpg
    from haversack.database.embedded import EmbeddedDatabase

    # Whoever runs the tests in the background, or under nohup, hands ignored signals down.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)

    async def main():
        async with EmbeddedDatabase(Path(sys.argv[1])) as database:
            connection = await asyncpg.connect(database.url)
            await connection.execute("DROP TABLE IF EXISTS kept")
            await connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
            print("ready", flush=True)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                rows = await connection.fetchval("SELECT count(*) FROM kept")
                print("rows after Ctrl-C:", rows, flush=True)
                await connection.close()

    asyncio.run(main())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, for all tests that leave it usable; which is what most of them are about."""
    folder = tmp_path_factory.mktemp("made") / "haversack"

    async def make() -> None:
        async with EmbeddedDatabase(folder):
            assert running_url(folder) is not None

    asyncio.run(make())
    return folder


@pytest.fixture
def copied_folder(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "haversack"))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can reach, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="haversack-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def start_parent() -> Iterator[StartParent]:
    """Starts PARENT on a folder, waits until it is ready, and leaves none of them behind."""
    with contextlib.ExitStack() as started:

        def start(folder: Path) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", textwrap.dedent(PARENT), str(folder)]
            # A session of its own makes it the leader of a process group, as in a terminal.
            parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
            started.enter_context(parent)
            started.callback(parent.kill)
            assert parent.stdout is not None
            assert parent.stdout.readline() == "ready\n"
            return parent

        yield start


def postmaster_pid(folder: Path) -> int:
    found = find_postmaster(folder / "postgres")
    assert found is not None
    return found.pid


def launcher_pid(pid: int) -> int:
    """The parent of PostgreSQL's main process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_for_end(pid: int) -> None:
    """Wait until a process that need not be a child has ended; fail when it does not."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], END_SECONDS_MAX)
    os.close(descriptor)
    assert ended, f"process {pid} still runs"


async def count_kept(folder: Path) -> int:
    """Start on `folder` and return how many rows the parents left there."""
    async with EmbeddedDatabase(folder) as database:
        connection = await asyncpg.connect(database.url)
        count = await connection.fetchval("SELECT count(*) FROM kept")
        await connection.close()
    assert isinstance(count, int)
    return count


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.asyncio
async def test_first_start_makes_what_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "haversack"
    (folder / "postgres.partial-x" / "base").mkdir(parents=True)  # an earlier one that was killed
    database = EmbeddedDatabase(folder)
    with pytest.raises(EmbeddedDatabaseError, match="not been started"):
        _ = database.url
    for rows in (1, 2):
        await database.start()
        await database.start()  # a second call changes nothing
        connection = await asyncpg.connect(database.url)
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        await connection.execute("INSERT INTO kept VALUES (1)")
        assert await connection.fetchval("SELECT count(*) FROM kept") == rows
        settings = {
            name: await connection.fetchval("SELECT current_setting($1)", name)
            for name in (
                "server_encoding",
                "fsync",
                "synchronous_commit",
                "jit",
                "data_checksums",
                "listen_addresses",
            )
        }
        assert settings == {
            "server_encoding": "UTF8",
            "fsync": "on",
            "synchronous_commit": "on",
            "jit": "off",
            "data_checksums": "on",
            "listen_addresses": "",
        }
        assert await connection.fetchval("SELECT datcollate FROM pg_database WHERE datname = 'haversack'") == "C"
        assert await connection.fetchval("SELECT upper('é')") == "É"
        await connection.close()
        await database.stop()
        await database.stop()
    assert running_url(folder) is None
    assert not list(folder.glob("postgres.partial*"))


@pytest.mark.asyncio
async def test_options_replace_settings(folder: Path) -> None:
    async with EmbeddedDatabase(folder, options={"fsync": "off", "application_name": "tests"}) as database:
        connection = await asyncpg.connect(database.url)
        assert await connection.fetchval("SHOW fsync") == "off"
        assert await connection.fetchval("SHOW application_name") == "tests"
        assert await connection.fetchval("SHOW shared_buffers") == "64MB"
        await connection.close()


@pytest.mark.asyncio
async def test_password_is_required(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    async with EmbeddedDatabase(folder) as database:
        (host,) = parse_qs(urlsplit(database.url).query)["host"]
        passfile = folder / "no-such-file"
        for password in (None, "wrong"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(
                    host=host, user="haversack", database="haversack", password=password, passfile=passfile
                )
        password = (folder / "password").read_text()
        assert len(password) >= 32
        commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert password not in commands
        assert password not in (folder / "postgres.log").read_text()
        assert [mode(folder / name) for name in ("password", "postgres", "sockets")] == [0o600, 0o700, 0o700]


@pytest.mark.asyncio
async def test_url_is_read_alike_by_sqlalchemy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    async with EmbeddedDatabase(folder) as database:
        url = make_url(database.url.replace("postgresql://", "postgresql+asyncpg://"))
        _, arguments = sqlalchemy_dialect().create_connect_args(url)  # type: ignore[no-untyped-call]
        for connection in (await asyncpg.connect(database.url), await asyncpg.connect(**arguments)):
            assert (
                await connection.fetchval("SELECT current_user || '@' || current_database()") == "haversack@haversack"
            )
            await connection.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["x" * 120, "games, 'two' and \"three\": ü"])
async def test_awkward_folder_gets_a_short_socket_elsewhere(copied_folder: Path, tmp_path: Path, name: str) -> None:
    awkward = copied_folder.rename(tmp_path / name)
    async with EmbeddedDatabase(awkward) as database:
        assert running_url(awkward) == database.url
        (host,) = parse_qs(urlsplit(database.url).query)["host"]
        assert Path(host).parent == Path(tempfile.gettempdir()).resolve()
        assert mode(Path(host)) == 0o700
        connection = await asyncpg.connect(database.url)
        await connection.close()
    assert not Path(host).exists()
    # Somebody else's folder of that name is not used.
    Path(host).mkdir(mode=0o755)
    try:
        with pytest.raises(EmbeddedDatabaseError, match="not a private folder"):
            await EmbeddedDatabase(awkward).start()
    finally:
        Path(host).rmdir()


@pytest.mark.asyncio
async def test_second_instance_is_refused_in_words(folder: Path, start_parent: StartParent) -> None:
    parent = start_parent(folder)
    second = EmbeddedDatabase(folder)
    with pytest.raises(EmbeddedDatabaseError, match=rf"Another Haversack \(process {parent.pid}\) is using"):
        await second.start()
    await second.stop()
    url = running_url(folder)
    assert url is not None
    connection = await asyncpg.connect(url)  # the refusal has not disturbed the first
    assert await connection.fetchval("SELECT count(*) FROM kept") == 1
    await connection.close()
    parent.kill()
    parent.wait()


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
async def test_postgres_ends_with_its_parent(folder: Path, start_parent: StartParent, number: signal.Signals) -> None:
    parent = start_parent(folder)
    server = postmaster_pid(folder)
    launcher = launcher_pid(server)
    parent.send_signal(number)
    assert parent.wait(END_SECONDS_MAX) == -number
    wait_for_end(server)
    wait_for_end(launcher)
    assert running_url(folder) is None
    assert await count_kept(folder) == 1


@pytest.mark.asyncio
async def test_next_start_need_not_wait_for_the_killed_one(folder: Path, start_parent: StartParent) -> None:
    parent = start_parent(folder)
    parent.kill()
    parent.wait()
    assert await count_kept(folder) == 1


@pytest.mark.asyncio
async def test_next_start_after_everything_was_killed(folder: Path, start_parent: StartParent) -> None:
    parent = start_parent(folder)
    server = postmaster_pid(folder)
    launcher = launcher_pid(server)
    os.kill(launcher, signal.SIGSTOP)  # so that it cannot stop the server in time
    for pid in (server, parent.pid, launcher):
        os.kill(pid, signal.SIGKILL)
    parent.wait()
    wait_for_end(server)
    assert (folder / "postgres" / "postmaster.pid").exists()
    assert await count_kept(folder) == 1


@pytest.mark.asyncio
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process when its parent ends")
async def test_postgres_ends_with_its_launcher(folder: Path) -> None:
    async with EmbeddedDatabase(folder):
        server = postmaster_pid(folder)
        os.kill(launcher_pid(server), signal.SIGKILL)
        await asyncio.to_thread(wait_for_end, server)
    assert running_url(folder) is None


def test_ctrl_c_leaves_postgres_to_its_parent(folder: Path, start_parent: StartParent) -> None:
    parent = start_parent(folder)
    server = postmaster_pid(folder)
    os.killpg(parent.pid, signal.SIGINT)
    output, _ = parent.communicate(timeout=END_SECONDS_MAX)
    assert output == "rows after Ctrl-C: 1\n"
    wait_for_end(server)
    assert not (folder / "postgres" / "postmaster.pid").exists()


@pytest.mark.asyncio
async def test_process_number_given_to_another_process(folder: Path) -> None:
    database = EmbeddedDatabase(folder)
    await database.start()
    pid_file = folder / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    await database.stop()
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
            assert running_url(folder) is None
            await database.start()
            assert running_url(folder) == database.url
            await database.stop()
            assert other.poll() is None
        finally:
            other.kill()


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ["", "1", "not a number\n"])
async def test_cut_short_files_do_not_block(folder: Path, text: str) -> None:
    """Process 1 always runs, so that a number cut short may be that of a running process."""
    (folder / "postgres" / "postmaster.pid").write_text(text)
    (folder / "sockets" / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    async with EmbeddedDatabase(folder) as database:
        assert running_url(folder) == database.url


@pytest.mark.asyncio
async def test_failed_start_shows_the_log_and_leaves_nothing(folder: Path) -> None:
    with pytest.raises(EmbeddedDatabaseError, match='invalid value for parameter "shared_buffers"'):
        await EmbeddedDatabase(folder, options={"shared_buffers": "nonsense"}).start()
    async with EmbeddedDatabase(folder):
        pass


@pytest.mark.asyncio
async def test_cancelled_start_leaves_nothing(folder: Path) -> None:
    for seconds in (0.0, 0.02, 0.05):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(EmbeddedDatabase(folder).start(), seconds)
        assert running_url(folder) is None
    async with EmbeddedDatabase(folder):
        pass


@pytest.mark.asyncio
async def test_what_cannot_be_used_is_said_in_words(copied_folder: Path) -> None:
    folder = copied_folder

    async def refusal() -> str:
        with pytest.raises(EmbeddedDatabaseError) as caught:
            await EmbeddedDatabase(folder).start()
        return str(caught.value)

    password = (folder / "password").read_text()
    (folder / "password").write_text("another")
    assert "refuses the password" in await refusal()
    (folder / "password").unlink()
    assert "is missing" in await refusal()
    (folder / "password").write_text(password)
    (folder / "postgres" / "PG_VERSION").write_text("17\n")
    assert "was written by PostgreSQL 17" in await refusal()
    (folder / "postgres" / "PG_VERSION").unlink()
    assert "holds no PostgreSQL data" in await refusal()
    shutil.rmtree(folder)
    folder.write_text("a file")
    assert "cannot start: [Errno" in await refusal()


def test_program_that_has_only_just_begun_is_ended(tmp_path: Path) -> None:
    """The signal comes before the launcher's child has become the program, and still counts."""
    own = Identity("own", os.geteuid(), os.getegid())
    process = LaunchedProcess(["/bin/sleep", "60"], identity=own, log=tmp_path / "log")
    process.close()
    try:
        assert process.wait(5) == 128 + signal.SIGINT
    finally:
        process.stop()


def test_log_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    log = BoundedLog(str(path))
    for number in range(40):
        log.write(f"{number}\n".encode() + b"x" * (LOG_BYTES_MAX // 10))
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= LOG_BYTES_MAX
    assert "39\n" in path.read_text()


def _interpreter_for(account: pwd.struct_passwd, environment: dict[str, str]) -> str | None:
    """An interpreter of this version that `account` can run with this one's packages."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/local/bin/python{version}", f"/usr/bin/python{version}"):
        try:
            tried = subprocess.run(
                [candidate, "-c", "import asyncpg, haversack.database.embedded"],
                user=account.pw_uid,
                group=account.pw_gid,
                extra_groups=[],
                env=environment,
                cwd="/",
                capture_output=True,
                check=False,
            )
        except (FileNotFoundError, PermissionError):
            continue
        if tried.returncode == 0:
            return candidate
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="runs as an ordinary user already: every other test is this one")
def test_runs_as_an_ordinary_user(open_folder: Path) -> None:
    account = pwd.getpwnam("nobody")
    os.chown(open_folder, account.pw_uid, account.pw_gid)
    environment = {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    interpreter = _interpreter_for(account, environment)
    if interpreter is None:
        pytest.skip("no Python that the account 'nobody' can run: NOT TESTED as an ordinary user")
    folder = open_folder / "haversack"
    with subprocess.Popen(
        [interpreter, "-c", textwrap.dedent(PARENT), str(folder)],
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        env=environment,
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        server = postmaster_pid(folder)
        assert Path(f"/proc/{server}").stat().st_uid == account.pw_uid
        parent.kill()
    wait_for_end(server)
    # Root then serves the data as the account that owns it, and leaves it that account's.
    assert asyncio.run(count_kept(folder)) == 1
    assert {path.stat().st_uid for path in (folder / "postgres").rglob("*")} == {account.pw_uid}


@pytest.mark.asyncio
@pytest.mark.skipif(os.geteuid() != 0, reason="not root: what is special about root is NOT TESTED")
async def test_root_without_namespaces_and_out_of_reach(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project and the programs lie in a folder that only root can enter, and namespaces are forbidden."""
    tmp_path.chmod(0o700)
    programs = lodging.find_programs()
    package = tmp_path / "packages" / programs.parent.name
    shutil.copytree(programs.parent, package, copy_function=os.link)
    libraries = programs.parent.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, package.with_name(libraries.name), copy_function=os.link)
    monkeypatch.setattr(lodging, "find_programs", lambda: package / programs.name)
    monkeypatch.setattr(lodging, "STATE_FOLDER", open_folder / "state")
    monkeypatch.setattr(lodging, "_can_run", lambda _: False)
    folder = tmp_path / "haversack"
    for _ in range(2):
        async with EmbeddedDatabase(folder) as database:
            assert running_url(folder) == database.url
            found = find_postmaster(folder / "elsewhere" / "postgres")
            assert found is not None
            assert Path(f"/proc/{found.pid}").stat().st_uid != 0
    assert mode(tmp_path) == 0o700
    assert sorted(path.name.split("-")[0] for path in (open_folder / "state").iterdir()) == [
        "database",
        "programs",
    ]


@pytest.mark.asyncio
@pytest.mark.skipif(os.geteuid() != 0, reason="not root: what is special about root is NOT TESTED")
async def test_root_loses_namespaces(folder: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data made by root in a namespace goes over to an account, where that one can reach it."""
    reachable = Path(shutil.copytree(folder, open_folder / "haversack"))
    reachable.chmod(0o755)
    monkeypatch.setattr(lodging, "_can_run", lambda _: False)
    async with EmbeddedDatabase(reachable):
        assert Path(f"/proc/{postmaster_pid(reachable)}").stat().st_uid != 0
    reachable.chmod(0o700)
    with pytest.raises(EmbeddedDatabaseError, match="cannot reach"):
        await EmbeddedDatabase(reachable).start()
