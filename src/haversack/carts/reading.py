"""Reads carts, for all who ask at once in one statement."""

from uuid import UUID
from weakref import WeakKeyDictionary

from haversack.carts.queries import list_stored_carts
from haversack.carts.records import NEVER_FILLED, StoredCart
from haversack.database.engine import Database
from haversack.database.shared_reads import SharedReads

# Carts of a project, by owner and id.
CartReads = SharedReads[int, tuple[UUID, str], StoredCart]

_reads: WeakKeyDictionary[Database, CartReads] = WeakKeyDictionary()


async def read_cart(database: Database, project_id: int, owner_id: UUID, cart_id: str) -> StoredCart:
    """A cart with its owner's uses of limits."""
    reads = _reads.get(database)
    if reads is None:
        reads = _reads[database] = SharedReads(database, list_stored_carts, nothing=NEVER_FILLED)
    return await reads.read(project_id, (owner_id, cart_id))
