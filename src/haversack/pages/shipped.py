"""Files that ship with the package and are served under /static/ and /demo/."""

from pathlib import Path
from urllib.parse import urlsplit

FOLDERS = {
    "/static/": Path(__file__).parent / "static",
    "/demo/": Path(__file__).parent.parent / "demo" / "pictures",
}
PICTURE_ENDINGS = (".png", ".webp", ".jpg")


LOOPBACK_HOSTS = ("127.0.0.1", "localhost")


def find_shipped_picture(url: str, public_url: str) -> bytes | None:
    """The bytes of one of our own pictures, by its address or path; None for everything else.

    A demo that was made at one port of this machine and runs at another still finds its pictures.
    """
    parts = urlsplit(url)
    is_local = parts.hostname in LOOPBACK_HOSTS
    path = parts.path if is_local else url.removeprefix(public_url)
    for prefix, folder in FOLDERS.items():
        name = path.removeprefix(prefix)
        if name != path and "/" not in name and not name.startswith(".") and name.endswith(PICTURE_ENDINGS):
            file = folder / name
            return file.read_bytes() if file.is_file() else None
    return None
