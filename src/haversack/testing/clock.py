"""The clock of a project under test."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

# Makes a call at the project's clock: method, rest of the path, body.
ClockCall = Callable[[str, str, Any], Any]


class Passed(NamedTuple):
    """Something that fell due on a jump: `orders`, `payments`, `codes` or `webhooks`, and when."""

    at: datetime
    what: str


class Clock:
    """Moves a project's time. Everything that happens by time follows: periods, resets, ends, retries of webhooks."""

    def __init__(self, call: ClockCall) -> None:
        self._call = call

    def now(self) -> datetime:
        """The project's time."""
        return _moment(self._call("GET", "", None)["now"])

    def freeze(self) -> datetime:
        """Let time stand still, and keep everything as it is: `back` returns to it. Where it stands."""
        return _moment(self._call("PUT", "/freeze", None)["now"])

    def jump(self, to: datetime | timedelta) -> list[Passed]:
        """Move time on to a moment, or by a length. What fell due on the way has happened, in this order."""
        target = self.now() + to if isinstance(to, timedelta) else to
        if target.tzinfo is None:
            target = target.replace(tzinfo=UTC)
        return self._until_there("PUT", "/jump", {"to": target.isoformat()})

    def step(self, by: timedelta | None = None) -> list[Passed]:
        """Move time on by a length; without one, to when something falls due next, if anything does."""
        if by is not None:
            return self.jump(by)
        due = self._call("GET", "", None)["next_due_at"]
        return [] if due is None else self.jump(_moment(due))

    def resume(self) -> None:
        """Let time go on from where it stands."""
        self._call("PUT", "/resume", None)

    def back(self) -> None:
        """Make the project what it was when it was frozen: data, balances, deliveries. Time stands still there."""
        self._call("PUT", "/back", None)

    def _until_there(self, method: str, rest: str, body: Any) -> list[Passed]:
        """A jump whose webhooks take long is made in several calls."""
        passed: list[Passed] = []
        while True:
            answer = self._call(method, rest, body)
            passed += [Passed(_moment(each["at"]), each["what"]) for each in answer["passed"]]
            if answer["has_arrived"]:
                return passed


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
