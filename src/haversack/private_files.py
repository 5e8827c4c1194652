"""Writes files that hold secrets: for their owner's eyes, and never half written."""

import os
from pathlib import Path


def write_private_file(path: Path, content: bytes) -> None:
    """Write or replace a file that only its owner may read. A crash leaves the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
