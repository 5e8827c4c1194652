"""The pytest plugin: what the document shows runs as it stands, and who does not ask for it pays nothing."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "testing-your-game.md"
PLUGIN = "haversack.pytest_plugin"
# Modules that cost time, and that no run may load that does not ask for a server.
HEAVY = ("haversack.app", "haversack.context", "fastapi", "sqlalchemy", "asyncpg", "haversack.testing")


def run_pytest(folder: Path, *arguments: str, code: str) -> subprocess.CompletedProcess[str]:
    """A run of a user's own tests, in a folder of theirs."""
    (folder / "test_shop.py").write_text(code)
    is_installed = any(each.value == PLUGIN for each in entry_points(group="pytest11"))
    plugin = () if is_installed else ("-p", PLUGIN)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "HAVERSACK"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *arguments, "test_shop.py"],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        timeout=180,
    )


def test_the_package_names_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"haversack": PLUGIN}


def test_the_document_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    done = run_pytest(tmp_path, code=code)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{code.count('def test_')} passed" in done.stdout


def test_a_run_without_the_fixtures_loads_nothing(tmp_path: Path) -> None:
    code = f"import sys\n\n\ndef test_nothing():\n    assert not sys.modules.keys() & set({HEAVY})\n"
    done = run_pytest(tmp_path, code=code)
    assert done.returncode == 0, done.stdout + done.stderr


PROJECTS = """
import pytest
from haversack.testing import Refused

seen = []


@pytest.mark.parametrize("number", range(3))
def test_a_project_each(haversack_server, haversack_project, number):
    seen.append(haversack_project.project_id)
    assert len(set(seen)) == number + 1
    assert haversack_project.base_url == haversack_server.base_url
    (haversack_server.folder / "pid").write_text(str(haversack_server._process.pid))


def test_keys_and_players(haversack_project, haversack_server):
    path = f"/api/v2/project/{haversack_project.project_id}/admin/items/virtual_items"
    assert haversack_project.call("GET", path)["items"] == []
    other = haversack_server.make_project()
    with pytest.raises(Refused) as refused:
        other.call("GET", path)
    assert refused.value.status == 401
    one, again, new = [haversack_project.sign_in(name) for name in ("ann", "ann", None)]
    assert one.player_id == again.player_id != new.player_id
    assert one.call("GET", "/api/users/me")["id"] == one.player_id
    assert haversack_project.sign_in(one.player_id).player_id == one.player_id


def test_time(clock, haversack_clock):
    assert clock is haversack_clock
    frozen_at = clock.freeze()
    assert clock.step() == []
    clock.jump(frozen_at.replace(year=frozen_at.year + 1, day=1))
    assert clock.now().year == frozen_at.year + 1
    clock.resume()
    assert clock.now() < clock.now()
    clock.back()
    assert clock.now() == clock.now() == frozen_at
"""


def test_a_project_for_each_test(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--basetemp", str(tmp_path / "kept"), code=PROJECTS)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = {found.parent.resolve() for found in (tmp_path / "kept").glob("haversack*/pid")}
    assert not Path(f"/proc/{(folder / 'pid').read_text()}").exists(), "the server ends with the run"
    assert (folder / "server.log").read_text() == ""


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    code = "def test_it(haversack_project):\n    pass\n"
    blocked = (
        "import subprocess\n"
        "from haversack.testing import server\n"
        "class Broken(subprocess.Popen):\n"
        "    def __init__(self, arguments, **options):\n"
        "        super().__init__([arguments[0], '-c', 'raise SystemExit(\"no room\")'], **options)\n"
        "server.subprocess.Popen = Broken\n\n\n"
    )
    done = run_pytest(tmp_path, code=blocked + code)
    assert done.returncode == 1
    assert "ServerNotStarted" in done.stdout
    assert "no room" in done.stdout
