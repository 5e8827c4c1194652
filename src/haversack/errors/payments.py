"""Errors of pages, payments and refunds."""

from haversack.errors.kinds import ErrorKind

PAGE_NOT_FOUND = ErrorKind("page.not_found", 404, 0, "There is no such page.")
PAGE_EXPIRED = ErrorKind("page.expired", 403, 0, "The form of this page has expired or came from another site.")
PAYMENT_FORM_FOREIGN = ErrorKind("payment_page.form_foreign", 403, 0, "The form came from another site.")

PAYMENT_TOKEN_UNKNOWN = ErrorKind(
    "paystation.token_unknown", 404, "00010003", "This payment link is unknown or has expired. Start the purchase anew."
)
PROVIDER_EVENT_REFUSED = ErrorKind("paystation.event_refused", 400, "00010004", "The event is not taken: {reason}")
TOKEN_PROJECT_UNKNOWN = ErrorKind(
    "merchant.token_project_unknown", 422, 0, "The key opens no project {project_id} of merchant {merchant_id}."
)
TRANSACTION_NOT_FOUND = ErrorKind(
    "merchant.transaction_not_found", 404, 0, "There is no transaction {transaction_id} in the projects of this key."
)
PAYMENT_NOT_REFUNDABLE = ErrorKind(
    "merchant.payment_not_refundable", 422, 0, "Transaction {payment_id} is {state}: there is nothing to refund."
)
REFUND_TOO_LARGE = ErrorKind(
    "merchant.refund_too_large", 422, 0, "{amount} {currency} is more than the {left} {currency} that can go back."
)
PARTIAL_REFUND_CODE = ErrorKind(
    "merchant.partial_refund_code", 422, 0, "Code {code} does not go with a partial refund: 1, 3, 5, 7, 9 and 10 do."
)
REFUND_REFUSED = ErrorKind(
    "merchant.refund_refused", 422, 0, "The payment provider does not refund transaction {payment_id}: {reason}"
)
