"""Errors of upsells."""

from haversack.errors.kinds import ErrorKind

# Where the wire names this answer for a call without an Authorization header.
AUTHORIZATION_MISSING = ErrorKind(
    "store.authorization_missing", 401, 1501, "[0401-1501]: Authorization failed: Provide authorization"
)
# Code and text differ in the documents, and so they do here.
UPSELL_ITEMS_NOT_FOUND = ErrorKind(
    "store.upsell_items_not_found", 404, 9901, "[0401-4001]: Items weren't found: {skus}"
)
