"""The house rules that no linter knows, as tests over the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import haversack
from haversack.app import every_operation
from haversack.database.schema import whole_metadata

ROOT = Path(haversack.__file__).parent
SOURCES = sorted(path for path in ROOT.rglob("*.py") if "versions" not in path.parts)
TESTS = Path(__file__).parents[1]
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
VAGUE_NAMES = {"utils", "helpers", "common", "manager", "service", "misc", "base"}

# Rows of these belong to a merchant, or to the caller whose name begins with its tenant.
TABLES_WITH_OTHER_TENANTS = {
    "merchants": "merchant_id",
    "projects": "project_id",
    "login_projects": "login_project_id",
    "api_keys": "merchant_id",
    "idempotency_keys": "caller",
}


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    faults = []
    docstring = ast.get_docstring(tree)
    if not docstring or not docstring.splitlines()[0].rstrip().endswith((".", ":", "?")):
        faults.append("opens with no sentence that says what it is for")
    if len(text.splitlines()) > FILE_LINES_MAX:
        faults.append(f"has more than {FILE_LINES_MAX} lines: make it a folder")
    if path.stem in VAGUE_NAMES or path.parent.name in VAGUE_NAMES:
        faults.append("has a name that says nothing")
    for function in _functions(tree):
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            faults.append(f"{function.name} has {lines} lines")
    assert not faults


def test_only_the_clock_reads_the_clock() -> None:
    pattern = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|time\.time\(")
    found = [str(path.relative_to(ROOT)) for path in SOURCES if pattern.search(path.read_text())]
    assert found == ["clock.py"]


def test_no_floats_in_rules_and_money() -> None:
    # Numbers on the wire are made in money.py; amounts themselves are never floats.
    for path in SOURCES:
        if path.stem == "rules" and path.parent.name not in ("images", "webhooks"):
            assert "float" not in path.read_text(), path


def test_every_table_begins_its_key_with_its_tenant() -> None:
    for table in whole_metadata().sorted_tables:
        first = next(iter(table.primary_key.columns)).name
        expected = TABLES_WITH_OTHER_TENANTS.get(table.name)
        allowed = {expected} if expected else {"project_id", "login_project_id"}
        assert first in allowed, f"{table.name} begins its key with {first}"


def _models(kind: object, seen: set[type[BaseModel]]) -> None:
    if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
        seen.add(kind)
        for field in kind.model_fields.values():
            _models(field.annotation, seen)
    for argument in getattr(kind, "__args__", ()):
        _models(argument, seen)


def test_models_are_prepared_when_they_are_first_used() -> None:
    # Pydantic's own base prepares each model at import: hundreds of them at every start.
    pattern = re.compile(r"^class \w+\((?:.*, )?BaseModel\b", re.MULTILINE)
    found = [str(path.relative_to(ROOT)) for path in SOURCES if pattern.search(path.read_text())]
    assert found == ["http/wire.py"]


def test_answers_have_no_defaults() -> None:
    models: set[type[BaseModel]] = set()
    for operation in every_operation():
        _models(operation.answer_type, models)
    assert models
    faults = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.is_required()
    ]
    assert not faults


def test_every_operation_is_tested() -> None:
    tests = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    missing = [operation.name for operation in every_operation() if f"test_{operation.name}" not in tests]
    assert not missing


def test_secrets_are_compared_in_constant_time() -> None:
    # A secret, key or signature on either side of == would leak by time how much of it fits.
    pattern = re.compile(
        r"(?:secret|signature|api_key|csrf_token|password|mac)\w*\s*[!=]=|[!=]=\s*\w*(?:secret|signature|password)\w*"
    )
    for path in SOURCES:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            assert not pattern.search(line.partition("#")[0]), f"{path.relative_to(ROOT)}:{number}: {line.strip()}"


def test_documents_are_current() -> None:
    from haversack.reference import reference_files

    docs = ROOT.parents[1] / "docs"
    for name, text in reference_files().items():
        assert (docs / name).read_text() == text, f"docs/{name} is old: run `make docs`"
