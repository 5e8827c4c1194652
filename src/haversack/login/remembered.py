"""Remembers what was verified, until it expires or its subject is told to be forgotten."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """The last `size` values used, each for as long as it holds and none of its subjects was forgotten.

    Forgetting a subject costs one number, not a search: each value knows when its making began, each forgotten subject
    when it was forgotten, and a value older than that is void. So a value whose making began before a change and
    ended after it is void as well. The list of forgotten subjects is bounded too: what falls off its end moves the
    floor under which every value is void.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Key, tuple[Value, datetime, int, tuple[Hashable, ...]]] = OrderedDict()
        self._forgotten: OrderedDict[Hashable, int] = OrderedDict()
        self._floor = 0
        self._count = 0

    def begin(self) -> int:
        """The moment to hand to `put`, taken before the value is made."""
        return self._count

    def get(self, key: Key, *, now: datetime) -> Value | None:
        """The remembered value, or None."""
        found = self._values.get(key)
        if found is None:
            return None
        value, until, began, subjects = found
        if until <= now or not self._holds(began, subjects):
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value, *, until: datetime, began: int, subjects: Sequence[Hashable]) -> None:
        """Remember a value about its subjects, unless one was forgotten since its making began."""
        if not self._holds(began, subjects):
            return
        self._values[key] = (value, until, began, tuple(subjects))
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)

    def forget(self, subject: Hashable) -> None:
        """Make everything about a subject void, also what is being made now."""
        self._count += 1
        self._forgotten[subject] = self._count
        self._forgotten.move_to_end(subject)
        if len(self._forgotten) > self._size:
            _, self._floor = self._forgotten.popitem(last=False)

    def forget_all(self) -> None:
        """Make everything void."""
        self._count += 1
        self._floor = self._count
        self._values.clear()
        self._forgotten.clear()

    def _holds(self, began: int, subjects: Sequence[Hashable]) -> bool:
        return began >= self._floor and all(began >= self._forgotten.get(subject, 0) for subject in subjects)
