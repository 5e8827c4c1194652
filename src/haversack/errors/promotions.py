"""Errors of promotions and codes."""

from haversack.errors.kinds import ErrorKind

PROMOTION_WITHOUT_USER_LIMIT = ErrorKind(
    "store.promotion_without_user_limit", 422, 4509, "[0401-4509]: Promotion does not have configured user limits."
)
PROMOTION_LIMIT_OUT_OF_RANGE = ErrorKind(
    "store.promotion_limit_out_of_range", 422, 4511, "[0401-4511]: Available promotion limit is out of range."
)
PROMOTION_NOT_FOUND = ErrorKind(
    "store.promotion_not_found",
    404,
    9502,
    "[0401-9502]: Can not find promotion with ID = {promotion_id} in project {project_id}",
)
PROMOTION_UNKNOWN = ErrorKind(
    "store.promotion_unknown",
    422,
    9502,
    "[0401-9502]: Can not find promotion with ID = {promotion_id} in project {project_id}",
)
CODE_NOT_FOUND = ErrorKind("store.code_not_found", 404, 9811, "[0401-9811]: Code not found.")
# Whatever keeps a code from being known is said in one sentence: who guesses learns nothing from it.
PROMO_CODE_UNKNOWN = ErrorKind("store.promo_code_unknown", 404, 9807, "[0401-9807]: Enter a valid promo code.")
REDEMPTION_LIMIT_REACHED = ErrorKind(
    "store.redemption_limit_reached", 422, 9804, "[0401-9804]: You have reached the {what} redemption limit."
)
