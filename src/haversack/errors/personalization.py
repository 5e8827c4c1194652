"""Errors of personalized catalogs."""

from haversack.errors.kinds import ErrorKind

# No document gives this a code.
FILTER_RULE_NOT_FOUND = ErrorKind(
    "store.filter_rule_not_found", 404, 0, "There is no filter rule {rule_id} in this project."
)
