"""Errors of carts, orders, inventory and what follows a purchase."""

from haversack.errors.kinds import ErrorKind

# Carts, orders and what they are paid with.
CART_NOT_FOUND = ErrorKind("store.cart_not_found", 422, 1401, "[0401-1401]: Cart for user {user} not found")
CART_EMPTY = ErrorKind("store.cart_empty", 422, 1417, "[0401-1417]: Empty cart! Cart shouldn't be empty!")
CART_INVALID = ErrorKind("store.cart_invalid", 422, 1401, "[0401-1401]: Invalid cart")
CART_FULL = ErrorKind(
    "store.cart_full", 422, 1421, "[0401-1421]: A cart holds at most {limit} different items. Take some out first."
)
ITEM_NOT_IN_CART = ErrorKind("store.item_not_in_cart", 422, 1411, "[0401-1411]: Invalid item")
QUANTITY_INVALID = ErrorKind(
    "store.quantity_invalid", 422, 1102, "[0401-1102]: Item quantity must be non-negative integer"
)
ITEM_IS_FREE = ErrorKind("store.item_is_free", 422, 1421, "[0401-1421]: Item is free")
ITEM_NOT_FREE = ErrorKind("store.item_not_free", 422, 1421, "[0401-1421]: Item {sku} is not free")
ITEM_KIND_NOT_SOLD = ErrorKind(
    "store.item_kind_not_sold",
    422,
    1421,
    "[0401-1421]: This type of item cannot be put to the cart. Select another type of item.",
)
ITEM_UNAVAILABLE = ErrorKind("store.item_unavailable", 422, 1455, "[0401-1455]: Item {sku} is not available: {reason}.")
ITEM_FREE_ORDER_ONLY = ErrorKind(
    "store.item_free_order_only",
    422,
    1456,
    "[0401-1456]: Item {sku} is free. Use the call that creates orders of free items.",
)
KEYS_TOO_FEW = ErrorKind("store.keys_too_few", 422, 1459, "[0401-1459]: Fewer than {quantity} keys of {sku} are left.")
USER_LIMIT_EXCEEDED = ErrorKind(
    "store.user_limit_exceeded",
    422,
    1460,
    "[0401-1460]: The purchase limit of item {sku} for this user is exceeded.",
)
NON_CONSUMABLE_OWNED = ErrorKind(
    "store.non_consumable_owned",
    422,
    1468,
    "[0401-1468]: Item {sku} is owned already and can be owned only once.",
)
PRICE_NOT_FOUND = ErrorKind("store.price_not_found", 422, 4054, "[0401-4054]: Item price not found")
NOT_ENOUGH_CURRENCY = ErrorKind("store.not_enough_currency", 422, 5006, "[0401-5006]: Not enough virtual currency")
CONSUMED_NOTHING_NAMED = ErrorKind(
    "store.consumed_nothing_named", 422, 5002, "[0401-5002]: Quantity and item_id/sku must be specified"
)
# Clients compare this sentence as a whole; what is wrong stands beside it.
CONSUMED_IN_TWO_WAYS = ErrorKind("store.consumed_in_two_ways", 422, 1102, "[0401-1102]: Unprocessable Entity")
PURCHASED_ITEM_UNKNOWN = ErrorKind(
    "store.purchased_item_unknown",
    422,
    4001,
    "[0401-4001]: Item with Project Id = {project_id} and Sku = {sku} not found",
)
ITEM_NOT_OWNED = ErrorKind("store.item_not_owned", 404, 5004, "[0401-5004]: Could not find instance in inventory")
ITEM_NOT_CONSUMABLE = ErrorKind(
    "store.item_not_consumable", 422, 1102, "[0401-1102]: Unprocessable Entity. Item {sku} is not consumable."
)
OWNED_TOO_MANY = ErrorKind(
    "store.owned_too_many",
    422,
    1102,
    "[0401-1102]: Unprocessable Entity. With these the user would have more of item {sku} than can be counted.",
)
LINKING_REFUSED = ErrorKind("store.linking_refused", 422, 1102, "[0401-1102]: Unprocessable Entity. {reason}")
EVENT_NOT_FOUND = ErrorKind("store.event_not_found", 404, 0, "There is no event {event_id} of this player.")
ORDER_NOT_FOUND = ErrorKind("store.order_not_found", 404, 9001, "[0401-9001]: Order not found")
UNPAID_ORDERS_TOO_MANY = ErrorKind(
    "store.unpaid_orders_too_many",
    422,
    1000,
    "[0401-1000]: {count} orders with limited items wait for this user's payment. Pay them, or let them expire.",
)
