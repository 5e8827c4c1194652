"""Fills carts: in memory, and written where nobody has changed them meanwhile; else under a lock."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from haversack.carts.queries import lock_cart, make_cart, set_lines, text_of
from haversack.carts.reading import carts_of
from haversack.carts.records import LINES_MAX, NEVER_FILLED, CartLine, FilledCart, StoredCart
from haversack.carts.rules import filled
from haversack.catalog.read_model.queries import Knowing
from haversack.database.engine import Session, meanwhile

# Is told what a cart will probably be, to get ready for it.
Foresee = Callable[[FilledCart], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What becomes of a cart: lines that are put in, each in place of the one with its SKU, and SKUs that are gone."""

    project_id: int
    owner_id: UUID
    cart_id: str
    put: Sequence[CartLine]
    gone: Collection[str]
    today: date

    @property
    def place(self) -> tuple[int, UUID, str]:
        """Which cart it is."""
        return self.project_id, self.owner_id, self.cart_id


async def fill_cart(db: Session, filling: Filling, foresee: Foresee | None = None) -> FilledCart | None:
    """Fill a cart. The cart then, with its owner's uses of limits; None, and nothing changed, where it would hold too
    many lines. `foresee` may be told of it beforehand, while the database writes."""
    if not db.in_transaction:
        known = await _fill_known(db, filling, foresee)
        if known is not None:
            return known
    async with db.together():
        return await _fill_locked(db, filling)


async def _fill_known(db: Session, filling: Filling, foresee: Foresee | None) -> FilledCart | None:
    """Fill a cart as this process knows it, in one statement; None, and nothing changed, where it is another one."""
    carts = carts_of(db.database)
    known = carts.find_known(*filling.place)
    if known is None:
        known = await carts.read(Knowing(filling.project_id), filling.owner_id, filling.cart_id)
    lines = filled(known.cart.lines, filling.put, filling.gone)
    if len(lines) > LINES_MAX:
        return None
    text, is_new = text_of(lines), known.version == NEVER_FILLED
    expected = FilledCart(replace(known.cart, lines=lines), known.uses, is_new)
    if is_new:
        writing = make_cart(db, *filling.place, text, today=filling.today)
    else:
        writing = set_lines(db, *filling.place, text, today=filling.today, version=known.version)
    written = await (writing if foresee is None else meanwhile(writing, lambda: foresee(expected)))
    if written is None:
        return None
    carts.remember(filling.project_id, filling.owner_id, StoredCart(written.version, expected.cart, written.uses))
    return expected._replace(uses=written.uses)


async def _fill_locked(db: Session, filling: Filling) -> FilledCart | None:
    # Where there is none yet, whoever makes it at the same time makes the same one.
    is_new = await make_cart(db, *filling.place, text_of(()), today=filling.today) is not None
    cart = await lock_cart(db, *filling.place)
    assert cart is not None, "it has just been made"
    lines = filled(cart.lines, filling.put, filling.gone)
    if len(lines) > LINES_MAX:
        return None
    written = await set_lines(db, *filling.place, text_of(lines), today=filling.today)
    assert written is not None, "it is locked"
    return FilledCart(replace(cart, lines=lines), written.uses, is_new)
