"""Who a verified token speaks for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PlayerIdentity:
    """A player: `player_id` is the token's `sub`; players are told apart within their login project.

    country: two capital letters, where the token names one. external_id: how the game calls the player: the `sub` as
    the token has it. A guest has no account: the id is what stands for the one that the client made up. attributes:
    what the token says of the player, which counts before what Login keeps.
    """

    login_project_id: UUID
    player_id: UUID
    expires_at: datetime
    scopes: tuple[str, ...] = ()
    name: str | None = None
    country: str | None = None
    external_id: str = ""
    email: str | None = None
    is_guest: bool = False
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def name_in_game(self) -> str:
        """How webhooks and inventory calls name the player."""
        return self.external_id or str(self.player_id)


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """A server client of a login project; `merchant_id` is the token's `publisher_id`."""

    login_project_id: UUID
    merchant_id: int
    client_id: int
    expires_at: datetime
