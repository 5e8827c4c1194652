"""The small process between Haversack and PostgreSQL: runs one command and ends it when Haversack is gone.

Run as a script with the standard library only: ``launcher.py PARENT_PID IDENTITY LOG COMMAND...``.
IDENTITY is ``own``, ``namespace:UID:GID`` or ``account:UID:GID`` (see `process.Identity`). The command's
output goes to LOG, bounded in size; ``ready`` is written to standard output once PostgreSQL accepts
connections. The command is ended when standard input reaches its end (Haversack closed it, or died in
whatever way) or, on Linux, when the parent process is gone although a child of it still holds the pipe. The
exit status is that of the command.
"""

import os
import select
import signal
import sys
import time

LOG_BYTES_MAX = 1024 * 1024
READY_TEXT = b"database system is ready to accept connections"
# A fast shutdown, then an immediate one, then the end: signal and how many seconds it may take.
STOPPING = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 4.0), (signal.SIGKILL, 4.0))
STOP_SECONDS_MAX = sum(seconds for _, seconds in STOPPING)
WATCHED_SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a shell answers when a command could not be run.
NOT_RUN = 126

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


class BoundedLog:
    """A log file of at most LOG_BYTES_MAX bytes, beside one older file of that size, ``.1``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def write(self, text: bytes) -> None:
        """Append `text`; what a full disk refuses is dropped, since PostgreSQL must not wait for its log."""
        try:
            if self._size and self._size + len(text) > LOG_BYTES_MAX:
                os.close(self._descriptor)
                os.replace(self._path, self._path + ".1")  # noqa: PTH105 -- spares the import of pathlib
                self._open()
            self._size += os.write(self._descriptor, text)
        except OSError as error:
            sys.stderr.write(f"log {self._path}: {error}\n")


class _SystemCalls:
    """The system calls that Python has no functions for."""

    def __init__(self) -> None:
        import ctypes  # only the short-lived child needs it: the launcher itself stays small

        self._ctypes = ctypes
        self._libc = ctypes.CDLL(None, use_errno=True)

    def call(self, name: str, *arguments: int) -> None:
        """Call `name`; raise OSError when it fails."""
        if getattr(self._libc, name)(*(self._ctypes.c_ulong(argument) for argument in arguments)) != 0:
            number = self._ctypes.get_errno()
            raise OSError(number, f"{name}: {os.strerror(number)}")


def _take_identity(identity: str, system: _SystemCalls) -> None:
    """Become who PostgreSQL shall run as."""
    kind, *numbers = identity.split(":")
    if kind == "own":
        return
    uid, gid = (int(number) for number in numbers)
    if kind == "account":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        return
    # A user namespace in which root is called something else: PostgreSQL sees an ordinary user, and the files
    # stay root's.
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    system.call("unshare", _CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(descriptor, text.encode())
        os.close(descriptor)


def _run(command: list[str], identity: str, launcher_pid: int, output: int) -> None:
    """Turn the forked child into `command`; never returns."""
    try:
        for number in WATCHED_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # While we still are who could start Python: the other identity need not be able to read its modules.
        system = _SystemCalls()
        _take_identity(identity, system)
        if sys.platform == "linux":
            # After the change of identity, which clears it. The launcher has one thread, so its end is meant.
            system.call("prctl", _PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != launcher_pid:
                os._exit(NOT_RUN)
        os.execv(command[0], command)  # noqa: S606 -- the command is ours
    except BaseException as error:
        os.write(2, f"cannot run {command[0]} as {identity}: {error}\n".encode(errors="backslashreplace"))
    finally:
        os._exit(NOT_RUN)


class Launcher:
    """Watches the parent, the command and the command's output."""

    def __init__(self, parent_pid: int, identity: str, log: BoundedLog, command: list[str]) -> None:
        self._log = log
        self._steps = iter(STOPPING)
        self._is_stopping = False
        self._deadline: float | None = None
        self._is_ready = False
        self._unread = b""
        self._wake, wake_write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        for number in WATCHED_SIGNALS:
            signal.signal(number, lambda *_: None)
        self._output, output_write = os.pipe()
        os.set_blocking(self._output, False)
        launcher_pid = os.getpid()
        # Until the child has put them back, it would take a signal meant to end it for one to be noted.
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED_SIGNALS)
        self._child = os.fork()
        if self._child == 0:
            _run(command, identity, launcher_pid, output_write)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.close(output_write)
        self._watched = [0, self._wake, self._output]
        self._parent = self._watch_parent(parent_pid)

    def _watch_parent(self, parent_pid: int) -> int | None:
        if not hasattr(os, "pidfd_open"):
            return None
        try:
            descriptor = os.pidfd_open(parent_pid)
        except OSError:  # an older kernel, or a parent already gone: the pipe then tells
            return None
        self._watched.append(descriptor)
        return descriptor

    def run(self) -> int:
        """Watch until the command has ended; return its exit status (128 + n when signal n ended it)."""
        while True:
            seconds = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            readable, _, _ = select.select(self._watched, [], [], seconds)
            if self._output in readable:
                self._read_output()
            wants_stop = self._parent in readable or (0 in readable and not os.read(0, 1024))
            if self._wake in readable:
                signals = set(os.read(self._wake, 1024))
                wants_stop = wants_stop or bool(signals - {signal.SIGCHLD})
                pid, status = os.waitpid(self._child, os.WNOHANG)
                if pid:
                    self._read_output()
                    code = os.waitstatus_to_exitcode(status)
                    return code if code >= 0 else 128 - code
            if wants_stop and not self._is_stopping:
                self._is_stopping = True
                # Both would stay readable for ever.
                self._watched = [self._wake, *([self._output] if self._output in self._watched else [])]
                self._take_next_step()
            elif self._deadline is not None and time.monotonic() >= self._deadline:
                self._take_next_step()

    def _take_next_step(self) -> None:
        number, seconds = next(self._steps, STOPPING[-1])
        os.kill(self._child, number)
        self._deadline = time.monotonic() + seconds

    def _read_output(self) -> None:
        while True:
            try:
                text = os.read(self._output, 65536)
            except BlockingIOError:
                return
            if not text:
                if self._output in self._watched:
                    self._watched.remove(self._output)
                return
            self._log.write(text)
            if not self._is_ready:
                self._look_for_ready(text)

    def _look_for_ready(self, text: bytes) -> None:
        self._unread += text
        if READY_TEXT in self._unread:
            self._is_ready = True
            try:
                os.write(1, b"ready\n")
            except BrokenPipeError:  # the parent died meanwhile; the loop is about to see that
                return
        self._unread = self._unread[-len(READY_TEXT) :]

    def abandon(self) -> None:
        """End the command at once: the launcher itself has failed."""
        os.kill(self._child, signal.SIGQUIT)


def main(arguments: list[str]) -> int:
    """Run as the module's text says; return the exit status."""
    parent_pid, identity, log_path, *command = arguments
    launcher = Launcher(int(parent_pid), identity, BoundedLog(log_path), command)
    try:
        return launcher.run()
    except BaseException:
        launcher.abandon()
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
