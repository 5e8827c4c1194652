"""How a line of an order looks in the Backpack."""

from haversack.backpack.records import ItemType, NewItem
from haversack.orders.records import Order, OrderLine
from haversack.text import reading


def backpack_item(order: Order, line: OrderLine, item_type: ItemType, *, quantity: int = 1, code: str = "") -> NewItem:
    """One thing, with the texts of the order's language."""
    return NewItem(
        item_type=item_type,
        item_sku=line.sku,
        item_name=reading(line.name, order.locale),
        image_url=line.image_url or "",
        description=reading(line.description, order.locale) if line.description else None,
        code=code,
        quantity=quantity,
    )
