"""Reads carts, for all who ask at once in one statement, and remembers them: what has not changed is not read again."""

from uuid import UUID
from weakref import WeakKeyDictionary

from haversack.carts.queries import CartRow, list_stored_carts
from haversack.carts.records import NEVER_FILLED, StoredCart
from haversack.catalog.read_model.pages import ByteCache
from haversack.catalog.read_model.queries import Knowing
from haversack.database.engine import Database
from haversack.database.shared_reads import SharedReads

KNOWN_BYTES_MAX = 16 * 2**20
OVERHEAD_BYTES = 500


class Carts:
    """The carts of a database as this process knows them. Whether one is still so, its version decides."""

    def __init__(self, database: Database) -> None:
        # By owner, id and the version that is known; the key says how much of their owners is read with them.
        self._reads: SharedReads[Knowing, tuple[UUID, str, int], CartRow] = SharedReads(
            database, list_stored_carts, nothing=CartRow(*NEVER_FILLED)
        )
        self._known = ByteCache(KNOWN_BYTES_MAX)

    async def read(self, knowing: Knowing, owner_id: UUID, cart_id: str) -> StoredCart:
        """A cart as it is now, with what is known of its owner."""
        known = self.find_known(knowing.project_id, owner_id, cart_id)
        before = known or NEVER_FILLED
        version, lines, uses, codes = await self._reads.read(knowing, (owner_id, cart_id, before.version))
        if lines is None or codes is None:
            return before if uses == before.uses else before._replace(uses=uses)
        stored = StoredCart(version, lines, uses, codes)
        self.remember(knowing.project_id, owner_id, cart_id, stored)
        return stored

    def find_known(self, project_id: int, owner_id: UUID, cart_id: str) -> StoredCart | None:
        """A cart as it was when it was read or written last; its uses are those of then."""
        known: StoredCart | None = self._known.get((project_id, owner_id, cart_id))
        return known

    def remember(self, project_id: int, owner_id: UUID, cart_id: str, stored: StoredCart) -> None:
        """Know a cart from now on."""
        size = len(stored.lines) + len(stored.promo_codes) + OVERHEAD_BYTES
        self._known.put((project_id, owner_id, cart_id), stored, size)


def carts_of(database: Database) -> Carts:
    """The carts of a database."""
    found = _carts.get(database)
    if found is None:
        found = _carts[database] = Carts(database)
    return found


_carts: WeakKeyDictionary[Database, Carts] = WeakKeyDictionary()
