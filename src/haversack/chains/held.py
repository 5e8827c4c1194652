"""The chains of a project as a process holds them.

They are read once for each version of the catalog, which every write of a chain raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.selling import Shop
from haversack.chains.queries.chains import list_chains
from haversack.chains.records import Chain, ChainKind
from haversack.database.engine import Session


@dataclass(frozen=True, slots=True)
class HeldChains:
    """Every chain of a project that is not deleted, switched off ones too, in order."""

    chains: Sequence[Chain]

    def of_kind(self, kind: ChainKind) -> list[Chain]:
        """Those of a kind."""
        return [chain for chain in self.chains if chain.kind is kind]


_held: WeakKeyDictionary[Catalog, HeldChains] = WeakKeyDictionary()


async def chains_of(db: Session, shop: Shop) -> HeldChains:
    """The chains of a project, as new as its catalog at least."""
    found = _held.get(shop.catalog)
    if found is None:
        found = _held[shop.catalog] = HeldChains(await list_chains(db, shop.catalog.project_id))
    return found
