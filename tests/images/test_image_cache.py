"""The cache of pictures: bound and order of dropping, torn files, leftovers, several writers."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from haversack.images.cache import PictureCache

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
BLOCK = 4096


def name(number: int) -> str:
    return f"{number:064x}.pic"


def spread(number: int) -> str:
    """Return a name whose files lie in folders of their own."""
    return f"{number:02x}{number:062x}.pic"


def held(folder: Path) -> int:
    return sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in folder.glob("??/*"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "pictures", bytes_max=10**6)
    assert cache.read(name(1), now=NOW) is None
    cache.write(name(1), b"first", now=NOW)
    cache.write(name(1), b"second", now=NOW + timedelta(seconds=1))
    kept = PictureCache(tmp_path / "pictures", bytes_max=10**6).read(name(1), now=NOW)
    assert kept is not None
    assert kept.body == b"second"
    assert kept.stored_at == NOW + timedelta(seconds=1)
    assert cache.read(name(2), now=NOW) is None


def test_reading_later_does_not_change_the_moment_of_storing(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, bytes_max=10**6)
    cache.write(name(1), b"body", now=NOW)
    for hours in (1, 2):
        kept = cache.read(name(1), now=NOW + timedelta(hours=hours))
        assert kept is not None
        assert kept.stored_at == NOW


@pytest.mark.parametrize("wrong", ["../../etc/passwd", "a.pic", f"{0:064x}", f"{0:064x}.pic/..", ""])
def test_only_digests_are_names(tmp_path: Path, wrong: str) -> None:
    cache = PictureCache(tmp_path, bytes_max=10**6)
    with pytest.raises(AssertionError):
        cache.read(wrong, now=NOW)
    with pytest.raises(AssertionError):
        cache.write(wrong, b"", now=NOW)


def test_size_stays_within_the_bound(tmp_path: Path) -> None:
    bytes_max = 64 * BLOCK
    cache = PictureCache(tmp_path, bytes_max=bytes_max)
    largest = 0
    for number in range(300):
        cache.write(spread(number % 256), bytes([number % 256]) * 3000, now=NOW + timedelta(minutes=number))
        largest = max(largest, held(tmp_path))
    assert bytes_max // 2 < largest <= bytes_max


def test_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, bytes_max=16 * BLOCK)
    for number in range(14):
        cache.write(name(number), b"x", now=NOW + timedelta(minutes=number))
    later = NOW + timedelta(hours=1)
    assert cache.read(name(0), now=later) is not None
    cache.write(name(14), b"x", now=later)
    cache.trim(now=later)
    alive = [number for number in range(15) if (tmp_path / "00" / name(number)).exists()]
    assert alive == [0, *range(4, 15)]


def test_body_that_would_fill_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, bytes_max=16 * BLOCK)
    cache.write(name(1), b"x" * 9 * BLOCK, now=NOW)
    assert cache.read(name(1), now=NOW) is None


@pytest.mark.parametrize("damage", ["cut", "emptied", "changed", "foreign"])
def test_damaged_file_is_a_miss_and_goes(tmp_path: Path, damage: str) -> None:
    cache = PictureCache(tmp_path, bytes_max=10**6)
    cache.write(name(1), b"body" * 100, now=NOW)
    path = tmp_path / "00" / name(1)
    content = path.read_bytes()
    changed = {
        "cut": content[:-1],
        "emptied": b"",
        "changed": content[:-1] + b"?",
        "foreign": b"\x89PNG\r\n\x1a\n" + content,
    }
    path.write_bytes(changed[damage])
    assert cache.read(name(1), now=NOW) is None
    assert not path.exists()


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = PictureCache(tmp_path, bytes_max=10**6)
    cache.write(name(1), b"body", now=NOW)

    def fail(*_: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", fail)
    monkeypatch.setattr(Path, "unlink", fail)  # As if the process were gone at once.
    with pytest.raises(KeyboardInterrupt):
        cache.write(name(2), b"half", now=NOW)
    monkeypatch.undo()
    assert len(list(tmp_path.glob("00/*"))) == 2
    cache.trim(now=NOW + timedelta(minutes=59))
    assert len(list(tmp_path.glob("00/*"))) == 2
    cache.trim(now=NOW + timedelta(minutes=61))
    assert list(tmp_path.glob("00/*")) == [tmp_path / "00" / name(1)]


def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, bytes_max=10**6)
    (tmp_path / "00" / name(1)).mkdir(parents=True)
    with pytest.raises(OSError):
        cache.write(name(1), b"body", now=NOW)
    assert [path.name for path in (tmp_path / "00").iterdir()] == [name(1)]


def write_and_read(folder: str, seed: int) -> int:
    """Write and read the same few names as others do; return how often a body was none of those written."""
    cache = PictureCache(Path(folder), bytes_max=24 * BLOCK)
    wrong = 0
    for turn in range(200):
        number = (turn * 7 + seed) % 40
        now = NOW + timedelta(seconds=turn)
        cache.write(spread(number), bytes([number]) * (1000 + 500 * seed), now=now)
        kept = cache.read(spread((number + seed) % 40), now=now)
        wrong += kept is not None and set(kept.body) != {(number + seed) % 40}
    return wrong


def test_processes_and_threads_share_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as processes, ThreadPoolExecutor(2) as threads:
        far = processes.starmap_async(write_and_read, [(str(tmp_path), seed) for seed in (1, 2)])
        near = [threads.submit(write_and_read, str(tmp_path), seed) for seed in (3, 4)]
        assert [future.result(60) for future in near] == [0, 0]
        assert far.get(60) == [0, 0]
    PictureCache(tmp_path, bytes_max=24 * BLOCK).trim(now=NOW + timedelta(days=1))
    assert held(tmp_path) <= 24 * BLOCK
    assert list(tmp_path.glob("??/.part-*")) == []
