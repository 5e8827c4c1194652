"""Holds the answers that tests receive against the contract, and records them where CI asks for it."""

import importlib.util
import json
import os
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx

# Answers that the contract does not list and every server of its kind gives. Their bodies must have the envelope of the
# operation's own refusals.
BEYOND_THE_CONTRACT = (409, 413, 415, 502, 503)

Hook = Callable[[httpx.Response], Awaitable[None]]


@cache
def contract_folder() -> Path | None:
    """Where the contract lies beside the project, or None."""
    folder = Path(__file__).resolve().parents[3] / "shared"
    return folder if (folder / "tools" / "contract_answers.py").is_file() else None


@cache
def _checker() -> Any:
    folder = contract_folder()
    if folder is None:
        return None
    spec = importlib.util.spec_from_file_location("contract_answers", folder / "tools" / "contract_answers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Checker.from_folder(folder / "contract")


class Recorder:
    """Checks each answer, and writes it to HAVERSACK_RECORD (a folder) as a line of JSON where that is set."""

    def __init__(self) -> None:
        folder = os.environ.get("HAVERSACK_RECORD")
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self._file = (Path(folder) / f"answers-{worker}.jsonl").open("a") if folder else None

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            self._file.close()

    def hook(self, faults: list[str]) -> Hook:
        """A response hook that collects what does not fit."""

        async def check(response: httpx.Response) -> None:
            await response.aread()
            request = response.request
            is_json = response.headers.get("content-type", "").startswith("application/json")
            body = json.loads(response.content) if is_json and response.content else None
            # An answer without a body has nothing that could differ from the contract but its status, and the checker
            # takes the contract's empty descriptions of such answers for missing ones.
            if not response.content and response.status_code < 400:
                return
            is_beyond = response.status_code in BEYOND_THE_CONTRACT
            checker = _checker()
            if checker is not None:
                status = 400 if is_beyond else response.status_code
                found = checker.check(request.method, request.url.path, status, body) or []
                faults.extend(found)
            if self._file is not None and not is_beyond:
                exchange = {
                    "method": request.method,
                    "path": request.url.path,
                    "status": response.status_code,
                    "body": body,
                }
                self._file.write(json.dumps(exchange) + "\n")
                self._file.flush()

        return check
