"""Changes of carts: fill, take out, forget what was bought and what is old."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from haversack.carts import queries
from haversack.carts.filling import Filling, Foresee, fill_cart
from haversack.carts.looking import Warned, told
from haversack.carts.records import LINES_MAX, CartLine, FilledCart
from haversack.carts.rules import cart_key, current_cart_id
from haversack.catalog.records import SELLABLE_KINDS
from haversack.catalog.selling import SellableItem, Shop
from haversack.clock import real_now
from haversack.database.engine import Database, Session
from haversack.errors import CART_FULL, ITEM_KIND_NOT_SOLD, ITEM_NOT_FOUND, ITEM_NOT_IN_CART, Refusal
from haversack.login.identities import PlayerIdentity
from haversack.pricing.lines import amounts_of

# Longer than a seasonal sale; nobody comes back for what was left longer ago.
CARTS_KEPT = timedelta(days=90)
SWEEP_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many of a SKU, as a caller asks for it; 0 takes it out."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose cart is meant, and which: an id of the caller's, None for the current one. Where it is priced, in what."""

    project_id: int
    owner_id: UUID
    cart_id: str | None
    country: str | None = None
    currency: str | None = None
    # Who it is, where that matters to what the cart shows.
    player: PlayerIdentity | None = None

    @property
    def key(self) -> str:
        """The cart's id; CART_INVALID for what can be none."""
        return cart_key(self.project_id, self.owner_id, self.cart_id)


async def fill(
    db: Session,
    shop: Shop,
    owner: Owner,
    wanted: Sequence[Wanted],
    foresee: Callable[[FilledCart, Sequence[Warned]], None],
) -> tuple[FilledCart, list[Warned]]:
    """Set the quantities of these SKUs in a cart and leave its other lines. The cart then, with its owner's uses of
    limits, and a warning for each SKU that cannot be put into one; CART_FULL where it would hold too many lines.

    `foresee` may be told beforehand what this will probably give."""
    # Of a SKU that is named twice the last counts.
    quantities = {each.sku: each.quantity for each in wanted}
    put: list[tuple[SellableItem, int]] = []
    warnings = []
    for sku, quantity in quantities.items():
        found = find_item(shop, owner.project_id, sku)
        if quantity > 0 and isinstance(found, Refusal):
            warnings.append(told(sku, quantity, found))
        elif quantity > 0 and not isinstance(found, Refusal):
            put.append((found, quantity))
    gone = [sku for sku, quantity in quantities.items() if quantity == 0]
    filled = await _fill(db, shop, owner, put, gone, lambda expected: foresee(expected, warnings))
    return filled, warnings


async def put(db: Session, shop: Shop, owner: Owner, wanted: Wanted) -> None:
    """Set the quantity of one SKU in a cart; ITEM_NOT_FOUND or ITEM_KIND_NOT_SOLD where it cannot be put into one."""
    if wanted.quantity == 0:
        # What is in the cart and was deleted since is taken out like anything else.
        await _fill(db, shop, owner, [], [wanted.sku])
        return
    found = find_item(shop, owner.project_id, wanted.sku)
    if isinstance(found, Refusal):
        raise found
    await _fill(db, shop, owner, [(found, wanted.quantity)], [])


def find_item(shop: Shop, project_id: int, sku: str) -> SellableItem | Refusal:
    """What a SKU puts into a cart, or why it puts nothing there. Whether it can be bought now does not matter."""
    item = shop.find_by_sku(sku)
    if item is not None and item.kind not in SELLABLE_KINDS:
        return ITEM_KIND_NOT_SOLD()
    if item is None or not item.is_listed:
        return ITEM_NOT_FOUND(project_id=project_id, sku=sku)
    return item


async def _fill(
    db: Session,
    shop: Shop,
    owner: Owner,
    put: Sequence[tuple[SellableItem, int]],
    gone: Sequence[str],
    foresee: Foresee | None = None,
) -> FilledCart:
    key = owner.key
    filling = Filling(
        project_id=owner.project_id,
        owner_id=owner.owner_id,
        cart_id=key,
        put=_lines(shop, owner, put),
        gone=gone,
        today=real_now().date(),
    )
    filled = await fill_cart(db, filling, foresee)
    if filled is None:
        raise CART_FULL(limit=LINES_MAX)
    if filled.is_new and key != current_cart_id(owner.project_id, owner.owner_id):
        await queries.forget_surplus(db, owner.project_id, owner.owner_id, key)
    return filled


def _lines(shop: Shop, owner: Owner, put: Sequence[tuple[SellableItem, int]]) -> list[CartLine]:
    """Lines with the prices that the answer to this call shows, so that showing them is no second write. Where there
    are promotions, only the whole cart tells those."""
    if shop.catalog.promotions.by_id:
        return [CartLine(item.item_id, item.sku, item.kind, quantity, {}) for item, quantity in put]
    amounts, currency = amounts_of(shop, [item for item, _ in put], country=owner.country, currency=owner.currency)
    return [
        CartLine(
            item.item_id,
            item.sku,
            item.kind,
            quantity,
            {} if amount is None or currency is None else {currency: str(amount)},
        )
        for (item, quantity), amount in zip(put, amounts, strict=True)
    ]


async def take_out(db: Session, shop: Shop, owner: Owner, sku: str) -> None:
    """Take an item out of a cart; ITEM_NOT_IN_CART, or ITEM_NOT_FOUND for a SKU that nothing has."""
    if await queries.take_out(db, owner.project_id, owner.owner_id, owner.key, sku=sku, today=real_now().date()):
        return
    if shop.find_by_sku(sku) is None:
        raise ITEM_NOT_FOUND(project_id=owner.project_id, sku=sku)
    raise ITEM_NOT_IN_CART()


async def clear(db: Session, owner: Owner) -> None:
    """Take everything out of a cart. One that was never filled stays so."""
    await queries.clear_cart(db, owner.project_id, owner.owner_id, owner.key, today=real_now().date())


async def forget_bought(
    db: Session,
    project_id: int,
    owner_id: UUID,
    cart_id: str,
    items: Sequence[tuple[int, int]],
    codes: Sequence[str] = (),
) -> None:
    """Take what was bought (item ids and quantities, as `wanted_of_cart` gives them) out of a cart, if it is still
    there, and the codes that were used. What was put in since, and what is beyond the quantities, stays."""
    bought: Counter[int] = Counter()
    for item_id, quantity in items:
        bought[item_id] += quantity
    await queries.subtract_lines(db, project_id, owner_id, cart_id, bought)
    if codes:
        await queries.take_codes_off(db, project_id, owner_id, cart_id, codes)


async def forget_old_carts(database: Database) -> int:
    """Forget the carts that nobody has touched for long; how many."""
    return await queries.forget_old_carts(database.session(), before=(real_now() - CARTS_KEPT).date())
