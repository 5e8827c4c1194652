"""The error catalogue: every refusal has a name, an HTTP status, a code and a sentence, and they stand only here.

`raise ITEM_NOT_FOUND(item_id=…)` anywhere; one handler renders the envelope of the wire family that was called.
Bugs are not in the catalogue: they end as one 500 with a reference number. `docs/errors.md` is made from this file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty field: where it stands (`body.0.item_sku`) and what is wrong with it."""

    property: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One line of the catalogue. Calling it with the sentence's values gives the exception to raise."""

    name: str
    status: int
    code: int | str
    sentence: str

    def __call__(
        self,
        *,
        faults: Sequence[Fault] = (),
        retry_after: int | None = None,
        extended: Mapping[str, object] | None = None,
        **values: object,
    ) -> "Refusal":
        return Refusal(self, self.sentence.format(**values), tuple(faults), retry_after, extended)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names that the sentence wants."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.sentence) if name)


class Refusal(Exception):
    """A request that cannot be fulfilled, for a reason of the catalogue."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        faults: tuple[Fault, ...] = (),
        retry_after: int | None = None,
        extended: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.faults = faults
        self.retry_after = retry_after
        # Values for the caller's program, where the contract has them in place of the list of faults.
        self.extended = extended
        # Where a bug's trace stands in the log.
        self.reference: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """The kinds of error that any operation of one wire family may answer, beside those it declares itself."""

    name: str
    invalid: ErrorKind
    unauthorized: ErrorKind
    not_found: ErrorKind
    method_not_allowed: ErrorKind
    too_large: ErrorKind
    unsupported_media: ErrorKind
    conflict: ErrorKind
    key_reused: ErrorKind
    too_many: ErrorKind
    unavailable: ErrorKind
    internal: ErrorKind

    @property
    def implied(self) -> tuple[ErrorKind, ...]:
        """What need not be declared: it may happen to every operation."""
        return (
            self.method_not_allowed,
            self.too_large,
            self.unsupported_media,
            self.conflict,
            self.key_reused,
            self.too_many,
            self.unavailable,
            self.internal,
        )


def _family(name: str, *, prefix: str, codes: dict[str, int | str], invalid_status: int) -> Family:
    """The kinds that all families have, with each family's own codes and forms."""

    def kind(what: str, status: int, sentence: str) -> ErrorKind:
        return ErrorKind(f"{name}.{what}", status, codes.get(what, 0), codes_prefix(what) + sentence)

    def codes_prefix(what: str) -> str:
        code = codes.get(what)
        return f"[{prefix}-{code}]: " if prefix and code else ""

    return Family(
        name=name,
        invalid=kind("invalid", invalid_status, "The request is not valid: {summary}"),
        unauthorized=kind("unauthorized", 401, "{reason}"),
        not_found=kind("route_not_found", 404, "There is no {method} {path} here."),
        method_not_allowed=kind("method_not_allowed", 405, "Method is not allowed. Method must be one of: {methods}"),
        too_large=kind("too_large", 413, "The body is larger than the {limit} bytes that this call takes."),
        unsupported_media=kind("unsupported_media", 415, "This call takes a body of type {expected}; it got {actual}."),
        conflict=kind(
            "request_in_progress",
            409,
            "A request with this Idempotency-Key is still being worked on. Repeat it in a moment.",
        ),
        key_reused=kind(
            "idempotency_key_reused",
            422,
            "This Idempotency-Key was used for another request: {difference}. Use a new key for a new request.",
        ),
        too_many=kind("too_many_requests", 429, "Too many requests. Try again in {seconds} s."),
        unavailable=kind(
            "unavailable",
            503,
            "The server cannot reach its database at the moment. Try again in a few seconds.",
        ),
        internal=kind("internal", 500, "Something went wrong on the server. Its log has it under {reference}."),
    )


# -- Families -------------------------------------------------------------------------------------------------------

BACKPACK = _family("backpack", prefix="", codes={}, invalid_status=400)
LOGIN = _family(
    "login",
    prefix="",
    codes={
        "invalid": "0",
        "unauthorized": "002-016",
        "route_not_found": "003-061",
        "too_many_requests": "002-057",
        "internal": "004-001",
        "unavailable": "004-001",
        "method_not_allowed": "0",
        "too_large": "0",
        "unsupported_media": "0",
        "request_in_progress": "0",
        "idempotency_key_reused": "0",
    },
    invalid_status=422,
)
STORE = _family(
    "store",
    prefix="0401",
    codes={"invalid": 1102, "internal": 1000, "unauthorized": 1020, "unavailable": 1101},
    invalid_status=422,
)

# What browsers get: pages instead of envelopes.
PAGE = _family("page", prefix="", codes={}, invalid_status=400)

# -- Backpack -------------------------------------------------------------------------------------------------------

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

# -- Pages ----------------------------------------------------------------------------------------------------------

PAGE_NOT_FOUND = ErrorKind("page.not_found", 404, 0, "There is no such page.")
PAGE_EXPIRED = ErrorKind("page.expired", 403, 0, "The form of this page has expired or came from another site.")

# -- Store ----------------------------------------------------------------------------------------------------------

WEBHOOK_NOT_SET = ErrorKind("store.webhook_not_set", 404, 0, "No webhook is set for this project.")
ITEM_WITHOUT_USER_LIMIT = ErrorKind(
    "store.item_without_user_limit", 422, 4508, "[0401-4508]: Item does not have configured user limits."
)
ITEM_LIMIT_OUT_OF_RANGE = ErrorKind(
    "store.item_limit_out_of_range", 422, 4510, "[0401-4510]: Available item limit is out of range."
)
PLAYER_UNKNOWN = ErrorKind("store.player_unknown", 404, 5008, "[0401-5008]: Could not find User")
STOCK_TOO_SMALL = ErrorKind(
    "store.stock_too_small",
    422,
    1023,
    "[0401-1023]: A stock of {total} is less than the {taken} that are reserved and sold.",
)
PROJECT_NOT_FOUND = ErrorKind("store.project_not_found", 404, 0, "There is no project {project_id}.")

# Calls whose document has it answer this, in place of 401, where the header is missing altogether.
AUTHORIZATION_NOT_SENT = ErrorKind("store.authorization_not_sent", 403, 0, "Authorization header not sent")

# Attributes, groups and regions. The sentences without placeholders are those that clients know.
ATTRIBUTE_NOT_FOUND = ErrorKind("store.attribute_not_found", 404, 9901, "[0401-9901]: Attribute not found.")
ATTRIBUTE_VALUE_NOT_FOUND = ErrorKind(
    "store.attribute_value_not_found", 404, 9906, "[0401-9906]: Attribute value not found."
)
ATTRIBUTE_VALUE_EXISTS = ErrorKind(
    "store.attribute_value_exists", 422, 9907, "[0401-9907]: The attribute value already exists."
)
ATTRIBUTE_VALUES_USED_UP = ErrorKind(
    "store.attribute_values_used_up",
    422,
    9908,
    "[0401-9908]: You reached the maximum number of values for the attribute.",
)
# The code and the prefix differ in the documents of the two calls that answer this.
ATTRIBUTE_VALUE_INVALID = ErrorKind(
    "store.attribute_value_invalid", 422, 9901, "[0401-1102]: Unprocessable Entity. {summary}"
)
TOO_MANY_ITEM_ATTRIBUTES = ErrorKind(
    "store.too_many_item_attributes",
    422,
    9908,
    "[0401-9908]: The number of attributes you specified for the item exceeds the required limit. "
    "Try to specify fewer attributes.",
)
TOO_MANY_ITEM_ATTRIBUTE_VALUES = ErrorKind(
    "store.too_many_item_attribute_values",
    422,
    9909,
    "[0401-9909]: The number of attribute values you specified for the item exceeds the required limit. "
    "Try to specify fewer attribute values.",
)
GROUP_NOT_FOUND = ErrorKind("store.group_not_found", 404, 4403, "[0401-4403]: Item group not found")
REGION_NOT_FOUND = ErrorKind("store.region_not_found", 404, 9701, "[0401-9701]: Region not found")
REGION_IN_USE = ErrorKind(
    "store.region_in_use",
    422,
    1102,
    "[0401-1102]: Region {region_id} is used by {users}. Take it off them first.",
)
ITEM_NOT_FOUND = ErrorKind(
    "store.item_not_found",
    404,
    4001,
    "[0401-4001]: Item with Project Id = {project_id} and Sku = {sku} not found",
)
ITEM_SKU_NOT_FOUND = ErrorKind("store.item_sku_not_found", 404, 4001, "[0401-4001]: Item with sku = '{sku}' not found")
ITEM_ID_NOT_FOUND = ErrorKind("store.item_id_not_found", 404, 4001, "[0401-4001]: Item with id = {item_id} not found")
ITEM_EXISTS = ErrorKind(
    "store.item_exists",
    422,
    4002,
    "[0401-4002]: Item with Project Id = {project_id} and Sku = {sku} already exists",
)
DEFAULT_PRICE_MISSING = ErrorKind(
    "store.default_price_missing", 422, 4055, "[0401-4055]: The default price of item {sku} is not set"
)
# Codes of game keys, the rights to games that they give, and pre-orders.
UPLOAD_NOT_FOUND = ErrorKind(
    "store.upload_not_found", 404, 0, "There is no upload session {session_id} in this project."
)
CODES_TOO_FEW = ErrorKind(
    "store.codes_too_few", 422, 1424, "[0401-1424]: {quantity} codes were requested, and there are fewer left."
)
GAME_CODE_NOT_FOUND = ErrorKind("store.game_code_not_found", 404, 4603, "[0401-4603]: Game code not found.")
ENTITLED_GAME_NOT_FOUND = ErrorKind("store.entitled_game_not_found", 404, 4604, "[0401-4604]: Game not found.")
ENTITLEMENT_HELD = ErrorKind("store.entitlement_held", 422, 5101, "[0401-5101]: User already has entitlement.")
DRM_NOT_FREE = ErrorKind("store.drm_not_free", 422, 5103, "[0401-5103]: Selected drm is not drmfree.")
GAME_IN_PRE_ORDER = ErrorKind(
    "store.game_in_pre_order", 422, 5106, "[0401-5106]: Item: {sku} is in pre-order state and can not be redeemed"
)
GAME_CODE_USED = ErrorKind("store.game_code_used", 422, 5107, "[0401-5107]: Game code has been already activated")
GAME_NOT_IN_COUNTRY = ErrorKind(
    "store.game_not_in_country", 422, 1601, "[0401-1601]: Item {sku} is not available in {country}."
)
PRE_ORDERS_TOO_FEW = ErrorKind(
    "store.pre_orders_too_few", 422, 1023, "[0401-1023]: Fewer than {quantity} pre-orders are left to take away."
)
# Imports: another service of the wire, with a prefix of its own.
IMPORT_FILE_TYPE_REFUSED = ErrorKind(
    "store.import_file_type_refused",
    422,
    1803,
    "[0410-1803]: File content-type doesn't allowed. Allowed content types: application/json; "
    "current content type: {content_type}",
)
IMPORT_NOT_FOUND = ErrorKind(
    "store.import_not_found", 404, 0, "Nothing has been imported into project {project_id} yet."
)


# -- Login ----------------------------------------------------------------------------------------------------------

LOGIN_PARAMETERS_INVALID = ErrorKind("login.parameters_invalid", 400, "0", "The request is not valid: {summary}")
STATE_TOO_SHORT = ErrorKind(
    "login.state_too_short",
    400,
    "010-022",
    "The parameter state is required and must have at least 8 characters.",
)
REDIRECT_NOT_REGISTERED = ErrorKind(
    "login.redirect_not_registered",
    400,
    "010-012",
    "This redirect_uri is not registered for client {client_id}. Register it, or leave it out.",
)
CLIENT_NOT_AUTHENTICATED = ErrorKind(
    "login.client_not_authenticated", 400, "010-019", "Client authentication failed: {reason}"
)
GRANT_INVALID = ErrorKind(
    "login.grant_invalid",
    400,
    "010-023",
    "The {grant} is invalid, expired, revoked, used before, or was issued to another client or redirect_uri.",
)
WRONG_PASSWORD = ErrorKind("login.wrong_password", 401, "003-001", "Wrong username or password.")
ACCOUNT_NOT_CONFIRMED = ErrorKind("login.account_not_confirmed", 401, "003-007", "The account is not confirmed yet.")
PLAYER_BANNED = ErrorKind("login.player_banned", 401, "002-040", "The user is banned until {date_to}.")
TOKEN_NOT_FOR_THIS = ErrorKind("login.token_not_for_this", 403, "1901-0001", "The token does not open {what}.")
BIRTHDAY_IS_SET = ErrorKind("login.birthday_is_set", 403, "0", "The birthday is set already and cannot be changed.")
LOGIN_PROJECT_NOT_FOUND = ErrorKind("login.project_not_found", 404, "003-019", "There is no such login project.")
PLAYER_NOT_FOUND = ErrorKind("login.player_not_found", 404, "003-002", "There is no such user in this login project.")
CLIENT_NOT_FOUND = ErrorKind("login.client_not_found", 404, "003-061", "There is no client {client_id}.")
TOKENS_CANNOT_BE_SIGNED = ErrorKind(
    "login.tokens_cannot_be_signed",
    418,
    "004-001",
    "The server cannot read this project's signing key: its encryption key is another than the one it was kept with.",
)
USERNAME_TAKEN = ErrorKind("login.username_taken", 422, "003-003", "The username is already taken.")
EMAIL_TAKEN = ErrorKind("login.email_taken", 422, "003-004", "The e-mail address is already taken.")
PHONE_TAKEN = ErrorKind("login.phone_taken", 422, "003-004", "The phone number is already taken.")
CALL_UNAVAILABLE = ErrorKind(
    "login.call_unavailable",
    422,
    "003-020",
    "This login project trusts an outside issuer and has no sign-in of its own.",
)
TOKEN_INVALID = ErrorKind("login.token_invalid", 422, "010-017", "{reason}")
LINKED_ELSEWHERE = ErrorKind("login.linked_elsewhere", 422, "010-016", "The {what} is already linked to {owner}.")
TOO_MANY_ATTRIBUTES = ErrorKind(
    "login.too_many_attributes",
    422,
    "0",
    "A user can have {limit} attributes of each type in a project, not more.",
)
LINKING_CODE_WRONG = ErrorKind("login.linking_code_wrong", 422, "003-039", "Wrong linking code.")
LINKING_ATTEMPTS_USED_UP = ErrorKind(
    "login.linking_attempts_used_up",
    429,
    "003-049",
    "Too many wrong linking codes. Try again in {seconds} s.",
)


def every_kind() -> list[ErrorKind]:
    """The catalogue in the order of this file, families first."""
    found: dict[str, ErrorKind] = {}
    for value in globals().values():
        if isinstance(value, Family):
            for kind in (value.invalid, value.unauthorized, value.not_found, *value.implied):
                found.setdefault(kind.name, kind)
        elif isinstance(value, ErrorKind):
            found.setdefault(value.name, value)
    return list(found.values())
