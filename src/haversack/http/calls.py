"""What an operation knows of its caller: one type for each kind of caller, given by the operation's signature."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.requests import Request

from haversack.clock import real_now
from haversack.database.engine import Session
from haversack.login.identities import PlayerIdentity, ServerIdentity
from haversack.projects.records import Project

if TYPE_CHECKING:
    from haversack.context import Context


@dataclass(slots=True, kw_only=True)
class Call:
    """One request: its database session, its identity in logs, and the process it runs in."""

    context: "Context"
    db: Session
    request_id: str
    client_ip: str
    request: Request
    idempotency_key: str | None = None
    after_commit: list[Callable[[], Any]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The time of the caller's project; the machine's time where no project is named."""
        return real_now()

    @property
    def caller_name(self) -> str:
        """Who called, as audit rows and idempotency keys name them."""
        return "public"


@dataclass(slots=True, kw_only=True)
class PublicCall(Call):
    """Anyone: sign-in calls and public keys."""


@dataclass(slots=True, kw_only=True)
class GuestCall(Call):
    """Anyone, or a player who says so by `Authorization: Bearer <user JWT>`. The path names the project."""

    project: Project
    player: PlayerIdentity | None

    @property
    def project_id(self) -> int:
        """The project that the path names."""
        return self.project.project_id

    @property
    def now(self) -> datetime:
        return self.project.clock.now()

    @property
    def caller_name(self) -> str:
        if self.player is None:
            return "guest"
        return f"player:{self.player.login_project_id}:{self.player.player_id}"


@dataclass(slots=True, kw_only=True)
class PlayerCall(Call):
    """A player, by `Authorization: Bearer <user JWT>`."""

    player: PlayerIdentity

    @property
    def player_id(self) -> UUID:
        """The `sub` of the token: the userId of the Backpack, the external id of webhooks."""
        return self.player.player_id

    @property
    def caller_name(self) -> str:
        return f"player:{self.player.login_project_id}:{self.player.player_id}"


@dataclass(slots=True, kw_only=True)
class BuyerCall(Call):
    """A player in the shop that the path names, by `Authorization: Bearer` with a user JWT or a payment token."""

    project: Project
    player: PlayerIdentity

    @property
    def project_id(self) -> int:
        """The project that the path names."""
        return self.project.project_id

    @property
    def player_id(self) -> UUID:
        """Whose inventory, orders and limits are meant."""
        return self.player.player_id

    @property
    def now(self) -> datetime:
        return self.project.clock.now()

    @property
    def caller_name(self) -> str:
        return f"player:{self.player.login_project_id}:{self.player.player_id}"


@dataclass(slots=True, kw_only=True)
class ShopperCall(BuyerCall):
    """A player as above, or a guest by `x-unauthorized-id` (and `x-user`, the e-mail address in base64)."""


@dataclass(slots=True, kw_only=True)
class ServerCall(Call):
    """A game's server, by `X-SERVER-AUTHORIZATION: <server JWT>` (client credentials)."""

    server: ServerIdentity

    @property
    def caller_name(self) -> str:
        return f"server:{self.server.login_project_id}:{self.server.client_id}"


@dataclass(slots=True, kw_only=True)
class HostCall(Call):
    """A distributor's server on the Backpack, by `X-HOST-ID` and a server JWT that fits it."""

    project: Project
    server: ServerIdentity

    @property
    def project_id(self) -> int:
        """The project that the path and the host id name."""
        return self.project.project_id

    @property
    def now(self) -> datetime:
        return self.project.clock.now()

    @property
    def caller_name(self) -> str:
        return f"host:{self.project.project_id}"


@dataclass(slots=True, kw_only=True)
class MerchantCall(Call):
    """A studio's back end, by Basic `merchant_id:key` with a key that opens every project of the merchant."""

    merchant_id: int
    key_id: int

    @property
    def caller_name(self) -> str:
        return f"key:{self.merchant_id}:{self.key_id}"


@dataclass(slots=True, kw_only=True)
class StudioCall(Call):
    """A studio's back end at the merchant API, by Basic `merchant_id:key` or `project_id:key`; the path names the
    merchant. `project_id`: the one project that the key opens; None, all of the merchant's."""

    merchant_id: int
    project_id: int | None
    key_id: int

    def opens(self, project: Project) -> bool:
        """Whether the key opens a project."""
        return project.merchant_id == self.merchant_id and self.project_id in (None, project.project_id)

    @property
    def caller_name(self) -> str:
        return f"key:{self.merchant_id}:{self.key_id}"


@dataclass(slots=True, kw_only=True)
class AdminCall(Call):
    """A studio's back end, by Basic `project_id:key` or `merchant_id:key`."""

    project: Project
    key_id: int

    @property
    def project_id(self) -> int:
        """The project that the path names and the key opens."""
        return self.project.project_id

    @property
    def now(self) -> datetime:
        return self.project.clock.now()

    @property
    def caller_name(self) -> str:
        return f"key:{self.project.merchant_id}:{self.key_id}"
