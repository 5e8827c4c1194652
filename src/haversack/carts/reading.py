"""Reads carts, for all who ask at once in one statement, and remembers them: what has not changed is not read again."""

from uuid import UUID
from weakref import WeakKeyDictionary

import orjson

from haversack.carts.queries import CartRow, cart_of, list_stored_carts
from haversack.carts.records import NEVER_FILLED, Cart, StoredCart
from haversack.catalog.read_model.pages import ByteCache
from haversack.catalog.read_model.queries import Knowing
from haversack.catalog.read_model.records import PackedUses
from haversack.database.engine import Database
from haversack.database.shared_reads import SharedReads

KNOWN_BYTES_MAX = 16 * 2**20
OVERHEAD_BYTES = 700
LINE_BYTES = 400
SHOWN_BYTES = 130


class Carts:
    """The carts of a database as this process knows them. Whether one is still so, its version decides."""

    def __init__(self, database: Database) -> None:
        # By owner, id and the version that is known; the key says how much of their owners is read with them.
        self._reads: SharedReads[Knowing, tuple[UUID, str, int], CartRow | None] = SharedReads(
            database, list_stored_carts, nothing=None
        )
        self._known = ByteCache(KNOWN_BYTES_MAX)

    async def read(self, knowing: Knowing, owner_id: UUID, cart_id: str) -> StoredCart:
        """A cart as it is now, with what is known of its owner; of the owner of one that nobody has filled nothing."""
        known = self.find_known(knowing.project_id, owner_id, cart_id)
        before = NEVER_FILLED if known is None else known.version
        row = await self._reads.read(knowing, (owner_id, cart_id, before))
        if row is None:
            stored = StoredCart(NEVER_FILLED, Cart(cart_id=cart_id), PackedUses(""))
        elif row.lines is None or row.promo_codes is None:
            assert known is not None, "only what is known is left out"
            return known if row.uses == known.uses else known._replace(uses=row.uses)
        else:
            cart = cart_of(cart_id, orjson.loads(row.lines), orjson.loads(row.promo_codes))
            stored = StoredCart(row.version, cart, row.uses)
        self.remember(knowing.project_id, owner_id, stored)
        return stored

    def find_known(self, project_id: int, owner_id: UUID, cart_id: str) -> StoredCart | None:
        """A cart as it was when it was read or written last; its uses are those of then."""
        known: StoredCart | None = self._known.get((project_id, owner_id, cart_id))
        return known

    def remember(self, project_id: int, owner_id: UUID, stored: StoredCart) -> None:
        """Know a cart from now on."""
        self._known.put((project_id, owner_id, stored.cart.cart_id), stored, bytes_of(stored.cart))


def bytes_of(cart: Cart) -> int:
    """How much memory a cart takes, about."""
    return OVERHEAD_BYTES + sum(LINE_BYTES + SHOWN_BYTES * len(line.shown) for line in cart.lines)


def carts_of(database: Database) -> Carts:
    """The carts of a database."""
    found = _carts.get(database)
    if found is None:
        found = _carts[database] = Carts(database)
    return found


_carts: WeakKeyDictionary[Database, Carts] = WeakKeyDictionary()
