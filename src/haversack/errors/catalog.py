"""Errors of the catalog: items, groups, attributes, regions, keys, rights, limits, imports."""

from haversack.errors.kinds import ErrorKind

WEBHOOK_NOT_SET = ErrorKind("store.webhook_not_set", 404, 0, "No webhook is set for this project.")
ITEM_WITHOUT_USER_LIMIT = ErrorKind(
    "store.item_without_user_limit", 422, 4508, "[0401-4508]: Item does not have configured user limits."
)
ITEM_LIMIT_OUT_OF_RANGE = ErrorKind(
    "store.item_limit_out_of_range", 422, 4510, "[0401-4510]: Available item limit is out of range."
)
# Some calls have no 404 of their own.
PLAYER_UNKNOWN = ErrorKind("store.player_unknown", 404, 5008, "[0401-5008]: Could not find User")
STOCK_TOO_SMALL = ErrorKind(
    "store.stock_too_small",
    422,
    1023,
    "[0401-1023]: A stock of {total} is less than the {taken} that are reserved and sold.",
)
COUNTRY_NOT_SENT = ErrorKind(
    "store.country_not_sent",
    422,
    1102,
    "[0401-1102]: The parameter user.country.value or the header X-User-Ip must be specified",
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
