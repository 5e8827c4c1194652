"""The OpenAPI document as it is served: made by a process of its own, and kept in the data folder."""

import asyncio
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import orjson

import haversack
from haversack.private_files import write_private_file
from haversack.settings import Settings

log = logging.getLogger("haversack.pages")

# -P: no module of the folder that the server was started in is taken for one of ours.
COMMAND = ("-P", "-X", "utf8", "-m", "haversack", "openapi")
# What has a part in the document besides our own code.
LIBRARIES = ("fastapi", "pydantic")


class ServedDocument:
    """The document of one server. Making it takes seconds of CPU and some 100 MB, which players and games would feel,
    so a process of its own makes it when it is first asked for; later starts of the same release find it kept."""

    def __init__(self) -> None:
        self._body: bytes | None = None
        self._reading = asyncio.Lock()

    async def read(self, settings: Settings) -> bytes:
        """The document's JSON. AssertionError where it cannot be made."""
        async with self._reading:
            if self._body is None:
                document = orjson.loads(await _kept_or_made(settings.data_folder))
                document["servers"] = [{"url": settings.public_url}]
                self._body = orjson.dumps(document)
        return self._body


async def _kept_or_made(folder: Path) -> bytes:
    path = folder / f"openapi-{await asyncio.to_thread(digest_of_code)}.json"
    if path.exists():
        return await asyncio.to_thread(path.read_bytes)
    made = await _made()
    await asyncio.to_thread(_keep, path, made)
    return made


def digest_of_code() -> str:
    """Differs wherever the document may differ."""
    digest = sha256(sys.version.encode())
    for library in LIBRARIES:
        digest.update(version(library).encode())
    for path in sorted(Path(haversack.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


async def _made() -> bytes:
    # In a session of its own: Ctrl-C is meant for the server.
    process = await asyncio.create_subprocess_exec(
        sys.executable, *COMMAND, stdin=DEVNULL, stdout=PIPE, start_new_session=True
    )
    try:
        made, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, f"`haversack openapi` ended with {process.returncode}"
    return made


def _keep(path: Path, made: bytes) -> None:
    """Keep the document of this release instead of that of an earlier one."""
    try:
        for old in path.parent.glob("openapi-*.json"):
            old.unlink(missing_ok=True)
        write_private_file(path, made)
    except OSError as error:
        # It is served all the same, and made again at the next start.
        log.warning("the OpenAPI document cannot be kept in %s: %s", path.parent, error)
