"""Which cart is meant, and what may stand in it. Pure."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from uuid import UUID, uuid5

from haversack.carts.records import CART_ID_LENGTH_MAX, QUANTITY_MAX, CartLine
from haversack.errors import CART_INVALID, QUANTITY_INVALID

# What clients send where they mean the current cart.
CURRENT = ("", "current")


@lru_cache(maxsize=20_000)
def current_cart_id(project_id: int, owner_id: UUID) -> str:
    """The id of an owner's current cart: always the same, so that two that make it at once make one."""
    return str(uuid5(owner_id, f"cart of project {project_id}"))


def cart_key(project_id: int, owner_id: UUID, cart_id: str | None) -> str:
    """The cart that an id names; CART_INVALID for what can be none."""
    if cart_id is None or cart_id in CURRENT:
        return current_cart_id(project_id, owner_id)
    if len(cart_id) > CART_ID_LENGTH_MAX or not cart_id.isprintable():
        raise CART_INVALID()
    return cart_id


def checked_quantity(quantity: object, *, least: int = 0) -> int:
    """A quantity as it was sent; QUANTITY_INVALID for what is no whole number up to the most that a line holds."""
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not least <= quantity <= QUANTITY_MAX:
        raise QUANTITY_INVALID()
    return quantity


def filled(lines: Sequence[CartLine], put: Sequence[CartLine], gone: Collection[str]) -> tuple[CartLine, ...]:
    """Lines with others put in: each in place of the one with its SKU, or at the end. `gone`: SKUs that are taken out.

    What the owner saw of a line is kept: what has changed since is told before it is forgotten. A SKU is never another
    item's.
    """
    new = {line.sku: line for line in put}
    kept = []
    for old in lines:
        line = new.pop(old.sku, None)
        if line is not None:
            kept.append(line._replace(shown={**line.shown, **old.shown}))
        elif old.sku not in gone:
            kept.append(old)
    return (*kept, *new.values())
