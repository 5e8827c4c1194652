"""Reads carts, for all who ask at once in one statement."""

from uuid import UUID
from weakref import WeakKeyDictionary

from haversack.carts.queries import CartRow, list_stored_carts
from haversack.carts.records import NEVER_FILLED, StoredCart
from haversack.catalog.read_model.queries import Knowing
from haversack.database.engine import Database
from haversack.database.shared_reads import SharedReads

# Carts, by owner, id and the version that the process knows; the key says how much of their owners is read with them.
CartReads = SharedReads[Knowing, tuple[UUID, str, int], CartRow]

_reads: WeakKeyDictionary[Database, CartReads] = WeakKeyDictionary()


async def read_cart(
    database: Database, knowing: Knowing, owner_id: UUID, cart_id: str, known: StoredCart | None
) -> StoredCart:
    """A cart with what is known of its owner. known: the cart as it was read last, if it was."""
    reads = _reads.get(database)
    if reads is None:
        reads = _reads[database] = SharedReads(database, list_stored_carts, nothing=CartRow(*NEVER_FILLED))
    known = known or NEVER_FILLED
    version, lines, uses, codes = await reads.read(knowing, (owner_id, cart_id, known.version))
    if lines is None or codes is None:
        return known._replace(uses=uses)
    return StoredCart(version, lines, uses, codes)
