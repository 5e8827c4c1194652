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
# What is opened by codes. Coupons and unique offers share a sentence, as documented; the code is that of the text.
COUPON_NOT_FOUND = ErrorKind("store.coupon_not_found", 404, 9802, "[0401-9802]: Coupon not found")
PROMO_CODE_NOT_FOUND = ErrorKind("store.promo_code_not_found", 404, 9802, "[0401-9802]: Promocode not found")
CODE_EXISTS = ErrorKind("store.code_exists", 422, 9803, "[0401-9803]: The code already exists.")
PROMOTION_NOT_SWITCHED = ErrorKind(
    "store.promotion_not_switched", 422, 9505, "[0401-9505]: Error was occurred while promotion was being updated"
)
COUPON_LIMIT_OUT_OF_RANGE = ErrorKind(
    "store.coupon_limit_out_of_range", 422, 4511, "[0401-4511]: Available coupon limit is out of range."
)
PROMO_CODE_LIMIT_OUT_OF_RANGE = ErrorKind(
    "store.promo_code_limit_out_of_range", 422, 4511, "[0401-4511]: Available promo code limit is out of range."
)
# Whatever keeps a code from being known is said in one sentence: who guesses learns nothing from it.
COUPON_CODE_UNKNOWN = ErrorKind("store.coupon_code_unknown", 404, 9807, "[0401-9807]: Enter a valid coupon code.")
PROMO_CODE_UNKNOWN = ErrorKind("store.promo_code_unknown", 404, 9807, "[0401-9807]: Enter a valid promo code.")
REDEMPTION_LIMIT_REACHED = ErrorKind(
    "store.redemption_limit_reached", 422, 9804, "[0401-9804]: You have reached the {what} redemption limit."
)
CODE_NOT_IN_REGION = ErrorKind(
    "store.code_not_in_region", 422, 9808, "[0401-9808]: {what} is not available in your region."
)
CODE_EXPIRED = ErrorKind("store.code_expired", 422, 9810, "[0401-9810]: Sorry, this code is expired.")
