"""What a project is to the rest of the server."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypedDict
from uuid import UUID

from haversack.clock import Clock


class BackpackWebhooks(StrEnum):
    """Which webhooks tell the game of an item that leaves the Backpack."""

    STANDARD = "standard"  # user_validation, then order_paid
    DEPRECATED = "deprecated"  # the Backpack's own user_validation and move_to_game


class DeliveryMode(StrEnum):
    """How webhooks of a project are retried and ordered."""

    XSOLLA = "xsolla"  # one after another in the project, the documented schedules
    NATIVE = "native"  # one after another for each player, the schedule of Standard Webhooks


class OrderWebhooks(StrEnum):
    """Which webhooks tell of a paid order."""

    COMBINED = "combined"  # order_paid with its billing
    SEPARATE = "separate"  # payment first; order_paid is withheld until it was accepted


class OrderDestination(StrEnum):
    """Where bought items go."""

    INVENTORY = "inventory"
    BACKPACK = "backpack"


class Personalization(StrEnum):
    """Who says which items a player sees; one at a time."""

    PLATFORM = "platform"  # filter rules on the player's attributes
    PARTNER = "partner"  # the game, which is asked for each player (`partner_side_catalog`)


class ChangedSettings(TypedDict, total=False):
    """Settings of a project that are to change; what is None or left out stays."""

    backpack_webhooks: BackpackWebhooks | None
    delivery_mode: DeliveryMode | None
    order_webhooks: OrderWebhooks | None
    order_destination: OrderDestination | None
    refunds_refused_orders: bool | None
    is_sandbox: bool | None
    personalization: Personalization | None


@dataclass(frozen=True, slots=True)
class Project:
    """A project as every request needs it. Secrets are not in it."""

    project_id: int
    merchant_id: int
    name: str
    login_project_id: UUID
    clock: Clock
    is_demo: bool
    is_sandbox: bool
    backpack_webhooks: BackpackWebhooks
    delivery_mode: DeliveryMode
    order_webhooks: OrderWebhooks
    order_destination: OrderDestination
    refunds_refused_orders: bool
    personalization: Personalization
    # Players under development whose time is another than the project's.
    player_offsets: Mapping[UUID, timedelta] = field(default_factory=dict, hash=False)

    def for_player(self, player_id: UUID) -> "Project":
        """The project as a player's own calls see it: at the player's time."""
        offset = self.player_offsets.get(player_id) if self.player_offsets else None
        return self if offset is None else replace(self, clock=self.clock.shifted(offset))


@dataclass(frozen=True, slots=True)
class FoundKey:
    """What an API key opens: one project, or with `project_id` None all projects of the merchant."""

    merchant_id: int
    project_id: int | None
    key_id: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundHostId:
    """A host id that was issued for the project."""

    project_id: int
    expires_at: datetime | None
