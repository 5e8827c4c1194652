"""Errors of players' identity."""

from haversack.errors.kinds import ErrorKind

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
