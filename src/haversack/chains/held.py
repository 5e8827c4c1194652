"""The chains of a project as a process holds them.

They are read once for each version of the catalog, which every write of a chain raises.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.selling import Shop
from haversack.chains.queries.chains import list_chains
from haversack.chains.queries.points import list_resets
from haversack.chains.records import ByPoints, Chain, ChainKind
from haversack.chains.rules import chain_window, points_window
from haversack.database.engine import Session
from haversack.images.once import OnceAtATime
from haversack.limits.records import Window


@dataclass(frozen=True, slots=True)
class HeldChains:
    """Every chain of a project that is not deleted, switched off ones too, in order; resets: of chains that were
    deleted, by value point; with_personal_rewards: the chains (ids) that give to some what they do not give to all;
    personal_kinds: those of which something depends on who looks.
    Windows are remembered while they last."""

    chains: Sequence[Chain]
    resets: Mapping[int, datetime]
    with_personal_rewards: frozenset[int]
    personal_kinds: frozenset[ChainKind]
    _windows: dict[int, tuple[datetime, Window]] = field(default_factory=dict)
    _points: dict[int, tuple[datetime, Window]] = field(default_factory=dict)
    # What is made of the chains for pages, by who reads which: see `pages`.
    derived: dict[Hashable, Any] = field(default_factory=dict)

    def of_kind(self, kind: ChainKind) -> list[Chain]:
        """Those of a kind."""
        return [chain for chain in self.chains if chain.kind is kind]

    def window_of(self, chain: Chain, now: datetime) -> Window:
        """The window of one of the reward chains."""
        assert isinstance(chain.opening, ByPoints), "the windows of other kinds do not follow from their schedule alone"
        found = self._windows.get(chain.chain_id)
        if found is None or not _lasts(found, now):
            found = self._windows[chain.chain_id] = (now, chain_window(chain, now))
        return found[1]

    def points_start(self, value_point_id: int, now: datetime) -> datetime:
        """Since when the balance of a value point counts."""
        found = self._points.get(value_point_id)
        if found is None or not _lasts(found, now):
            start = points_window(value_point_id, self.chains, self.resets, now, window_of=self.window_of)
            resets = (
                self.window_of(chain, now).next
                for chain in self.chains
                if isinstance(chain.opening, ByPoints) and chain.opening.value_point_id == value_point_id
            )
            window = Window(start, min((each for each in resets if each is not None), default=None))
            found = self._points[value_point_id] = (now, window)
        return found[1].start


def _lasts(remembered: tuple[datetime, Window], now: datetime) -> bool:
    """Whether a window that was found at a moment is still the one. A clock may go back."""
    since, window = remembered
    return since <= now and (window.next is None or now < window.next)


_held: WeakKeyDictionary[Catalog, HeldChains] = WeakKeyDictionary()
_reading: OnceAtATime[HeldChains] = OnceAtATime()


async def chains_of(db: Session, shop: Shop) -> HeldChains:
    """The chains of a project, as new as its catalog at least; read once for all who ask for a version at once."""
    found = _held.get(shop.catalog)
    if found is not None:
        return found
    if db.in_transaction:
        # Who holds a connection must not wait for who needs one.
        return await _read(db, shop.catalog)
    return await _reading.run(shop.catalog, lambda: _read(db.database.session(), shop.catalog))


async def _read(db: Session, catalog: Catalog) -> HeldChains:
    chains = await list_chains(db, catalog.project_id)
    personal = frozenset(
        chain.chain_id for chain in chains if any(reward.conditions for step in chain.steps for reward in step.rewards)
    )
    kinds = frozenset(chain.kind for chain in chains if chain.conditions or chain.chain_id in personal)
    found = HeldChains(chains, await list_resets(db, catalog.project_id), personal, kinds)
    _held[catalog] = found
    return found
