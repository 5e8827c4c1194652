"""A project under test with its keys, and its players."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

from haversack.testing import http
from haversack.testing.clock import Clock

# Signs a player in: the player's name or uuid -> player id and token.
SignIn = Callable[[str], tuple[str, str]]


@dataclass(frozen=True)
class Player:
    """A player who is signed in. `token` is a JWT as a game's client gets it."""

    base_url: str
    player_id: str
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What the player's client sends with each call."""
        return {"Authorization": f"Bearer {self.token}"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a call as the player's client and return its answer; `Refused` from status 400 on."""
        return http.call(self.base_url, method, path, body, headers=self.headers)


@dataclass(frozen=True)
class Project:
    """A project of one test."""

    base_url: str
    project_id: int
    merchant_id: int
    login_project_id: str
    client_id: int
    api_key: str = field(repr=False)
    merchant_key: str = field(repr=False)
    host_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    _sign_in: SignIn = field(repr=False, compare=False)

    @property
    def auth(self) -> tuple[str, str]:
        """User name and password of Basic authentication, as HTTP clients take them."""
        return str(self.project_id), self.api_key

    @cached_property
    def clock(self) -> Clock:
        """The project's clock."""
        path = f"/api/v2/project/{self.project_id}/admin/clock"
        return Clock(lambda method, rest, body: self.call(method, f"{path}{rest}", body))

    def sign_in(self, player: str | None = None) -> Player:
        """A player of the project, who is made where there is none; one name is one player. Without a name, a new one.
        A uuid is the player's id itself."""
        player_id, token = self._sign_in(player or uuid4().hex)
        return Player(self.base_url, player_id, token)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a call as the studio's back end and return its answer; `Refused` from status 400 on."""
        return http.call(self.base_url, method, path, body, headers=http.basic(*self.auth))

    def set_player_clock(self, player: Player, *, ahead_seconds: int) -> None:
        """Let a player's time lie ahead of the project's."""
        path = f"/api/v2/project/{self.project_id}/admin/clock/player/{player.player_id}"
        self.call("PUT", path, {"offset_seconds": ahead_seconds})
