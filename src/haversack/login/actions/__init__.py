"""Changes of players' identity; what other features use of it stands here by name."""

from haversack.login.actions.accounts import (
    ban_player,
    confirm_player,
    ensure_user,
    lift_ban,
    log_out_player,
)
from haversack.login.actions.attempts import count_attempt
from haversack.login.actions.issuing import find_player_id, get_player_id, issue_player_token, issue_server_token
from haversack.login.actions.linking import (
    create_linking_code,
    find_platform_account,
    link_platform_account,
    take_code_and_link,
)
from haversack.login.actions.projects import (
    create_client,
    create_login_project,
    require_confirmation,
    rotate_signing_key,
    set_algorithm,
    set_token_seconds,
    trust_outside_issuer,
    trust_own_accounts,
)
from haversack.login.actions.sign_in import sign_in_with_password
from haversack.login.queries.tokens import forget_attempts, prune_expired

__all__ = [
    "ban_player",
    "confirm_player",
    "count_attempt",
    "create_client",
    "create_linking_code",
    "create_login_project",
    "ensure_user",
    "find_platform_account",
    "find_player_id",
    "forget_attempts",
    "get_player_id",
    "issue_player_token",
    "issue_server_token",
    "lift_ban",
    "link_platform_account",
    "log_out_player",
    "prune_expired",
    "require_confirmation",
    "rotate_signing_key",
    "set_algorithm",
    "set_token_seconds",
    "sign_in_with_password",
    "take_code_and_link",
    "trust_outside_issuer",
    "trust_own_accounts",
]
