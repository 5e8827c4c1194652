"""Files that ship with the package and are served under /static/ and /demo/."""

from pathlib import Path

FOLDERS = {
    "/static/": Path(__file__).parent / "static",
    "/demo/": Path(__file__).parent.parent / "demo" / "pictures",
}
PICTURE_ENDINGS = (".png", ".webp", ".jpg")


def find_shipped_picture(url: str, public_url: str) -> bytes | None:
    """The bytes of one of our own pictures, by its address or path; None for everything else."""
    path = url.removeprefix(public_url)
    for prefix, folder in FOLDERS.items():
        name = path.removeprefix(prefix)
        if name != path and "/" not in name and not name.startswith(".") and name.endswith(PICTURE_ENDINGS):
            file = folder / name
            return file.read_bytes() if file.is_file() else None
    return None
