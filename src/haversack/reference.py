"""Makes docs/operations.md, docs/errors.md and docs/events.md from the code."""

import inspect
from pathlib import Path

from haversack.app import every_operation
from haversack.errors import every_kind
from haversack.webhooks.events import EVENTS, QUESTIONS

ROOT = Path(__file__).parent
NOTE = "This file is made by `make docs`; what it lists stands in the code."


def reference_files() -> dict[str, str]:
    """The text of each file by its name."""
    return {"operations.md": _operations(), "errors.md": _errors(), "events.md": _events()}


def _operations() -> str:
    lines = ["# Operations", "", NOTE, ""]
    by_tag: dict[str, list[str]] = {}
    for operation in every_operation():
        if not operation.in_document:
            continue
        file = Path(inspect.getsourcefile(operation.function) or "").relative_to(ROOT)
        caller = operation.caller.__name__.removesuffix("Call").lower()
        by_tag.setdefault(operation.tag, []).append(
            f"| `{operation.name}` | {operation.method} `{operation.path}` | {caller} | {operation.repeat} "
            f"| {operation.summary} | `{file.as_posix()}` |"
        )
    for tag, rows in by_tag.items():
        lines += [
            f"## {tag}",
            "",
            "| operation | call | caller | Idempotency-Key | | file |",
            "|---|---|---|---|---|---|",
        ]
        lines += [*rows, ""]
    return "\n".join(lines)


def _errors() -> str:
    lines = ["# Errors", "", NOTE, "", "| name | status | code | sentence |", "|---|---|---|---|"]
    lines += [f"| `{kind.name}` | {kind.status} | {kind.code} | {kind.sentence} |" for kind in every_kind()]
    return "\n".join([*lines, ""])


def _events() -> str:
    lines = ["# Events", "", NOTE, "", "| notification_type | class | what |", "|---|---|---|"]
    for each in (*EVENTS, *QUESTIONS):
        what = inspect.cleandoc(each.__doc__ or "").splitlines()[0]
        lines.append(f"| `{each.name}` | `{each.__name__}` | {what} |")
    return "\n".join([*lines, ""])
