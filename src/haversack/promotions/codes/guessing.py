"""Slows down those who guess codes: so many that open nothing, for a player and for an address, then a rest.

Counted in the process, so that a code that many redeem at once costs no statement more. Several processes allow
so many times as much, and a restart begins anew: both are nothing against codes of 65 bits.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID
from weakref import WeakKeyDictionary

from haversack.clock import real_now
from haversack.database.engine import Database
from haversack.errors import STORE
from haversack.http.calls import BuyerCall

WINDOW = timedelta(minutes=15)
# Many players may share an address: a school, a company, a mobile network.
OF_PLAYER_MAX = 10
OF_ADDRESS_MAX = 200
SUBJECTS_KEPT_MAX = 100_000


@dataclass(slots=True)
class _Count:
    """Codes of a subject that opened nothing."""

    ends_at: datetime
    misses: int = 0


@dataclass(slots=True)
class Misses:
    """The counts of a process, for as many subjects as are kept. The oldest is forgotten first."""

    kept_max: int = SUBJECTS_KEPT_MAX
    _counts: OrderedDict[bytes, _Count] = field(default_factory=OrderedDict)

    def wait_of(self, subject: bytes, most: int, *, now: datetime) -> timedelta | None:
        """How long a subject that may miss so often has to wait; None where it may try."""
        count = self._counts.get(subject)
        if count is None or count.misses < most or count.ends_at <= now:
            return None
        return count.ends_at - now

    def add(self, subject: bytes, *, now: datetime) -> None:
        """A code opened nothing. The window begins with the first."""
        count = self._counts.get(subject)
        if count is None or count.ends_at <= now:
            count = self._counts[subject] = _Count(now + WINDOW)
            self._counts.move_to_end(subject)
            if len(self._counts) > self.kept_max:
                self._counts.popitem(last=False)
        count.misses += 1


_misses: WeakKeyDictionary[Database, Misses] = WeakKeyDictionary()


class Guess:
    """A call that tries a code. `check` before the code is looked up, and again before what it opens is told: of many
    guesses at once, those that come after too many misses learn nothing."""

    def __init__(self, database: Database, project_id: int, player_id: UUID, address: str | None = None) -> None:
        self._misses = _misses.setdefault(database, Misses())
        subjects = [(_subject(project_id, f"player/{player_id}"), OF_PLAYER_MAX)]
        if address is not None:
            subjects.append((_subject(project_id, f"address/{address}"), OF_ADDRESS_MAX))
        self._subjects = tuple(subjects)

    @classmethod
    def of(cls, call: BuyerCall) -> Self:
        """The guess of a call, by its player and its address."""
        return cls(call.context.database, call.project_id, call.player_id, call.client_ip)

    @property
    def wait(self) -> timedelta | None:
        """How long who has missed too often has to wait; None where they may try."""
        now = real_now()
        waits = [self._misses.wait_of(subject, most, now=now) for subject, most in self._subjects]
        return max((wait for wait in waits if wait is not None), default=None)

    def check(self) -> None:
        """Refuse (429) who has missed too often."""
        longest = self.wait
        if longest is not None:
            seconds = max(1, int(longest.total_seconds()))
            raise STORE.too_many(seconds=seconds, retry_after=seconds)

    def missed_once(self, code: str) -> None:
        """The code opened nothing, in a call that clients repeat: it is one guess, however often it is sent."""
        now = real_now()
        of_code = hashlib.blake2b(self._subjects[0][0] + code.encode(), digest_size=16).digest()
        if self._misses.wait_of(of_code, 1, now=now) is None:
            self._misses.add(of_code, now=now)
            self.missed()

    def missed(self) -> None:
        """The code opened nothing."""
        now = real_now()
        for subject, _ in self._subjects:
            self._misses.add(subject, now=now)


def _subject(project_id: int, name: str) -> bytes:
    return hashlib.blake2b(f"{project_id}/{name}".encode(), digest_size=16).digest()
