"""Run after the suite: a declared error that no test ever met may be a promise that nothing keeps."""

import sys
from pathlib import Path

from haversack.app import every_operation
from haversack.errors import every_kind

# A bug's 500 is met by no test on purpose; its form is tested in tests/operations/test_bad_input.py.
FORMS_NEVER_RAISED = {"internal"}


def main(folder: Path) -> int:
    """Print what is declared and was never raised, or raised and not in the catalogue."""
    raised = {name for file in folder.glob("*.txt") for name in file.read_text().split()}
    if not raised:
        print("no test process has written which errors it met", file=sys.stderr)
        return 1
    operations = every_operation(is_development=True)
    declared = {kind.name for operation in operations for kind in (*operation.errors, operation.invalid)}
    declared |= {
        kind.name for operation in operations for kind in (operation.family.unauthorized, *operation.family.implied)
    }
    unused = {kind.name for kind in every_kind()} - declared - {f"{name}.route_not_found" for name in _families()}
    silent = {name for name in declared if _is_shared(name)} - raised
    alone = {name for name in declared if not _is_shared(name)} - raised
    # What all families share by form is met once for each form, not once for each family.
    forms = {name.partition(".")[2] for name in silent} - {name.partition(".")[2] for name in raised}
    forms -= FORMS_NEVER_RAISED
    for title, names in (
        ("in the catalogue, but no operation declares it", unused),
        ("declared, but no test met it", alone | {f"*.{form}" for form in forms}),
    ):
        for name in sorted(names):
            print(f"{name}: {title}")
    return 1 if unused or alone or forms else 0


def _families() -> set[str]:
    return {kind.name.partition(".")[0] for kind in every_kind()}


def _is_shared(name: str) -> bool:
    form = name.partition(".")[2]
    return sum(kind.name.partition(".")[2] == form for kind in every_kind()) > 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
