"""Pictures kept on disk: a folder of bounded size that several processes may share."""

import hashlib
import logging
import os
import re
import struct
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[0-9a-f]{64}\.[a-z]+")
_MAGIC = b"HVC1"
# Magic, moment of storing in microseconds since 1970, SHA-256 of the body.
_HEADER = struct.Struct(">4sq32s")
# A file being written carries the second it was begun in its name.
_TEMPORARY = re.compile(r"\.part-([0-9]{1,12})-.*")
_BLOCK_BYTES = 4096

_TEMPORARY_KEPT = timedelta(hours=1)
# Use is noted this coarsely, so that reading a popular picture does not write to the disk each time.
_USE_STEP_NS = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What the cache holds under a name."""

    body: bytes
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class _File:
    used_ns: int
    size: int
    path: str


class PictureCache:
    """Bodies under names of the form `<64 hexadecimal digits>.<letters>`, the least recently used go first.

    Every method blocks on the disk and may be called from any thread; OSError when the disk refuses.
    Processes share a folder without talking: writes are atomic, a checksum turns a damaged file into a miss,
    and deleting what another process has just deleted is no error.

    bytes_max: what the files may occupy on disk. Each process counts what it writes and looks at the whole
        folder after each sixteenth of the bound, cutting it to three quarters once seven eighths are full:
        two busy processes stay within the bound, each further one may exceed it by a sixteenth.

    `now` is the real time (never a project's moved clock): the processes compare it across restarts.
    """

    def __init__(self, folder: Path, *, bytes_max: int) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._unseen_bytes = 0
        self._has_scanned = False
        self._lock = threading.Lock()

    def read(self, name: str, *, now: datetime) -> Kept | None:
        """Return what is kept under the name and note its use; None when there is nothing sound."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                used_ns = os.fstat(file.fileno()).st_mtime_ns
                content = file.read()
        except FileNotFoundError:
            return None
        kept = _unpack(content)
        if kept is None:
            logger.warning("dropped a damaged file from the picture cache")
            path.unlink(missing_ok=True)
            return None
        if abs(_nanoseconds(now) - used_ns) > _USE_STEP_NS:
            self._note_use(path, now)
        return kept

    def write(self, name: str, body: bytes, *, now: datetime) -> None:
        """Keep a body under a name, replacing what was there."""
        path = self._path(name)
        content = _pack(body, now)
        occupied = _occupied(len(content))
        if occupied > self._bytes_max // 2:
            logger.warning("a picture of %d bytes is too large for the picture cache", len(body))
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_whole(path, content, now)
        if self._must_scan(occupied):
            self.trim(now=now)

    def trim(self, *, now: datetime) -> None:
        """Look at the whole folder and drop the least recently used files if it is nearly full."""
        files = sorted(self._files(now), key=lambda file: file.used_ns)
        total = sum(file.size for file in files)
        if total <= self._bytes_max * 7 // 8:
            return
        for file in files:
            if total <= self._bytes_max * 3 // 4:
                break
            Path(file.path).unlink(missing_ok=True)
            total -= file.size

    def _path(self, name: str) -> Path:
        assert _NAME.fullmatch(name), "not a name of the picture cache"
        return self._folder / name[:2] / name

    def _must_scan(self, written: int) -> bool:
        with self._lock:
            self._unseen_bytes += written
            if self._has_scanned and self._unseen_bytes <= self._bytes_max // 16:
                return False
            self._has_scanned = True
            self._unseen_bytes = 0
            return True

    def _note_use(self, path: Path, now: datetime) -> None:
        try:
            os.utime(path, ns=(_nanoseconds(now), _nanoseconds(now)))
        except FileNotFoundError:
            # Another process dropped the file after it was read here; what was read stays good.
            return

    def _files(self, now: datetime) -> Iterator[_File]:
        """Yield the kept files; remove what a killed process left half written."""
        for path in self._folder.glob("??/*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            temporary = _TEMPORARY.fullmatch(path.name)
            if temporary is None:
                yield _File(used_ns=status.st_mtime_ns, size=_occupied(status.st_size), path=str(path))
            elif int(temporary[1]) < (now - _TEMPORARY_KEPT).timestamp():
                path.unlink(missing_ok=True)


def _write_whole(path: Path, content: bytes, now: datetime) -> None:
    """Write a file that appears complete or not at all."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".part-{int(now.timestamp())}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.utime(temporary, ns=(_nanoseconds(now), _nanoseconds(now)))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _pack(body: bytes, now: datetime) -> bytes:
    # No fsync: after a power cut the checksum tells a torn file, and a cache may forget.
    return _HEADER.pack(_MAGIC, _nanoseconds(now) // 1000, hashlib.sha256(body).digest()) + body


def _unpack(content: bytes) -> Kept | None:
    if len(content) < _HEADER.size:
        return None
    magic, stored_us, digest = _HEADER.unpack_from(content)
    body = content[_HEADER.size :]
    if magic != _MAGIC or hashlib.sha256(body).digest() != digest:
        return None
    return Kept(body=body, stored_at=_EPOCH + timedelta(microseconds=stored_us))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _occupied(size: int) -> int:
    """Return what a file of this size takes on disk."""
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
