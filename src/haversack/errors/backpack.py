"""Errors of the Backpack and of its pictures."""

from haversack.errors.kinds import ErrorKind

GAME_INVALID = ErrorKind("backpack.game_invalid", 422, 0, "The request is not valid: {summary}")
GAME_NOT_FOUND = ErrorKind(
    "backpack.game_not_found", 422, 0, "There is no game with external_game_id {external_game_id}."
)
GAME_EXISTS = ErrorKind(
    "backpack.game_exists", 400, 0, "A game with external_game_id {external_game_id} exists already."
)
BACKPACK_ITEM_NOT_FOUND = ErrorKind("backpack.item_not_found", 404, 0, "There is no item {item_id} in this Backpack.")
ITEM_HAS_OTHER_TYPE = ErrorKind(
    "backpack.item_has_other_type",
    400,
    0,
    "Item {item_id} is a {item_type}; this call receives a {expected}.",
)
ITEM_IS_BEING_RECEIVED = ErrorKind(
    "backpack.item_is_being_received",
    400,
    0,
    "Item {item_id} is being delivered to the game. It leaves the Backpack when the game has accepted it.",
)
PLATFORM_NOT_LINKED = ErrorKind(
    "backpack.platform_not_linked",
    400,
    0,
    "Item {item_id} goes to a {platform} account: link one to this player first.",
)
PLATFORM_ACCOUNT_DIFFERS = ErrorKind(
    "backpack.platform_account_differs",
    400,
    0,
    "Item {item_id} goes to the linked {platform} account; user_game_id names another one.",
)
NOT_WALLET_CURRENCY = ErrorKind(
    "backpack.not_wallet_currency",
    400,
    0,
    "Item {item_id} is not a currency of the wallet (is_external_vc is true): receive it with move_to_game.",
)
IS_WALLET_CURRENCY = ErrorKind(
    "backpack.is_wallet_currency",
    400,
    0,
    "Item {item_id} is a currency of the wallet (is_external_vc is false): receive it with virtual_currency/receive.",
)
PLAYER_NOT_IN_GAME = ErrorKind(
    "backpack.player_not_in_game", 400, 0, "The game does not know the player {user_game_id}."
)
GAME_REFUSED_ITEM = ErrorKind("backpack.game_refused_item", 400, 0, "The game refused the item: {reason}")
GAME_AWAY = ErrorKind(
    "backpack.game_away",
    500,
    0,
    "The game does not answer at the moment. The item stays in the Backpack; try again later.",
)
GAME_SILENT = ErrorKind(
    "backpack.game_silent",
    500,
    0,
    "The game has not confirmed the item yet. It is sent again until the game answers; no second call is needed.",
)
GAME_WITHOUT_WEBHOOK = ErrorKind(
    "backpack.game_without_webhook",
    500,
    0,
    "The game has no webhook address set up in its project, so nothing can be delivered to it.",
)
PICTURE_NOT_FOUND = ErrorKind("backpack.picture_not_found", 404, 0, "There is no such picture: {reason}")
PICTURE_SIZE_WRONG = ErrorKind("backpack.picture_size_wrong", 400, 0, "{reason}")
PICTURE_SOURCE_FAILED = ErrorKind("backpack.picture_source_failed", 502, 0, "The picture cannot be fetched: {reason}")
