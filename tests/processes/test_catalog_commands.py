"""`haversack import`, `export` and `seed`, from the command line."""

import json
import re
from pathlib import Path

import pytest

from processes.running import KEY, Finished, invoke


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run in this process must not find the developer's own data and settings."""
    monkeypatch.chdir(tmp_path)


async def haversack(database_url: str, *arguments: str) -> Finished:
    """A command on the test's database."""
    return await invoke(*arguments, database_url=database_url, encryption_key=KEY, mode="development")


async def new_project(database_url: str) -> str:
    """The id of a new project."""
    printed = (await haversack(database_url, "project", "create", "Empty")).succeeded()
    found = re.search(r"Project (\d+) is made", printed)
    assert found is not None, printed
    return found[1]


async def test_a_catalog_goes_out_and_in(database_url: str, tmp_path: Path) -> None:
    seeded = (await haversack(database_url, "seed", "--items", "60", "--seed", "3")).succeeded()
    found = re.search(r"Project (\d+) has 60 seeded items", seeded)
    assert found is not None, seeded
    assert "API key, shown this once: hs" in seeded
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    said = (await haversack(database_url, "export", found[1], str(first))).said
    assert said == f"The catalog of project {found[1]} is in {first}.\n"
    other = await new_project(database_url)
    printed = (await haversack(database_url, "import", other, str(first))).succeeded()
    assert printed == f"first.json is imported into project {other}.\n"
    (await haversack(database_url, "export", other, str(second))).succeeded()
    assert second.read_bytes() == first.read_bytes()
    # Into a project that is there, and to the screen.
    again = (await haversack(database_url, "seed", "--items", "60", "--seed", "3", "--project", other)).succeeded()
    assert again == f"Project {other} has 60 seeded items.\n"
    assert json.loads((await haversack(database_url, "export", other)).succeeded()) == json.loads(first.read_bytes())


async def test_faulty_rows_are_named(database_url: str, tmp_path: Path) -> None:
    project = await new_project(database_url)
    file = tmp_path / "items.json"
    rows = [{"sku": "lamp", "name": {"en": "Lamp"}}, {"sku": "odd", "name": {}}, {"name": {"en": "Nameless"}}]
    file.write_text(json.dumps({"virtual_items": rows}))
    said = (await haversack(database_url, "import", project, str(file))).refused()
    assert "  odd (virtual_good): [0401-1102]" in said
    assert "  (no SKU) (virtual_good): [0401-1817]: The SKU is empty" in said
    assert said.endswith("2 rows were not imported; the others were.\n")
    exported = json.loads((await haversack(database_url, "export", project)).succeeded())
    assert [item["sku"] for item in exported["items"]] == ["lamp"]


async def test_what_cannot_be_done(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "items.json"
    file.write_text("no JSON")
    for arguments in (("export", "2147483647"), ("seed", "--items", "1", "--project", "2147483647")):
        assert (await haversack(database_url, *arguments)).refused() == "There is no project 2147483647.\n"
    assert (
        (await haversack(database_url, "import", "2147483647", str(file))).refused().startswith("There is no project")
    )
    project = await new_project(database_url)
    assert "not valid JSON" in (await haversack(database_url, "import", project, str(file))).refused()
    assert "does not exist" in (await haversack(database_url, "import", project, "none.json")).refused(status=2)
    said = (await haversack(database_url, "export", project, str(tmp_path / "none" / "out.json"))).refused()
    assert said == f"{tmp_path / 'none' / 'out.json'} cannot be written: No such file or directory.\n"
