"""The OpenAPI document as it is served: made once for each release, kept, and under this server's address."""

import logging
from pathlib import Path

import orjson
import pytest

from haversack.app import describe
from haversack.pages import document
from haversack.pages.document import ServedDocument, digest_of_code
from haversack.settings import Settings

FAILING = ("-c", "raise SystemExit(3)")
SMALL = ("-c", 'print(\'{"openapi": "3.1.0", "servers": []}\')')


def _settings(folder: Path) -> Settings:
    return Settings(_env_file=None, data_folder=folder, public_url="https://shop.example")


def _kept(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def _read(folder: Path) -> object:
    return orjson.loads(await ServedDocument().read(_settings(folder)))


async def test_it_is_kept_for_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The sources may be worked on while the tests run.
    monkeypatch.setattr(document, "digest_of_code", lambda: "0123456789abcdef")
    expected = {**describe(), "servers": [{"url": "https://shop.example"}]}
    assert await _read(tmp_path) == expected
    monkeypatch.setattr(document, "COMMAND", FAILING)
    assert await _read(tmp_path) == expected


async def test_another_release_makes_it_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openapi-0123456789abcdef.json").write_bytes(b"{}")
    monkeypatch.setattr(document, "COMMAND", SMALL)
    assert await _read(tmp_path) == {"openapi": "3.1.0", "servers": [{"url": "https://shop.example"}]}
    assert _kept(tmp_path) == [f"openapi-{digest_of_code()}.json"]


async def test_a_fault_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = ServedDocument()
    monkeypatch.setattr(document, "COMMAND", FAILING)
    with pytest.raises(AssertionError, match="ended with 3"):
        await served.read(_settings(tmp_path))
    monkeypatch.setattr(document, "COMMAND", SMALL)
    assert b"3.1.0" in await served.read(_settings(tmp_path))


async def test_a_folder_that_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(document, "COMMAND", SMALL)
    with caplog.at_level(logging.WARNING, "haversack.pages"):
        assert await _read(tmp_path / "file" / "data") == {
            "openapi": "3.1.0",
            "servers": [{"url": "https://shop.example"}],
        }
    assert "cannot be kept" in caplog.text
