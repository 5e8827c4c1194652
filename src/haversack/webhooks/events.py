"""The event catalogue: what the game can be told and asked, each declared once as a class with its payload."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from uuid import UUID

import orjson

from haversack.projects.records import Project
from haversack.webhooks.order_events import ORDER_EVENTS


class Notification(Protocol):
    """What every event and question has: its name on the wire and how its body is made."""

    name: ClassVar[str]

    def payload(self, project: Project, *, version: int) -> dict[str, Any]:
        """The members of the body after `notification_type`; `version` is the endpoint's, 1 or 2."""
        ...


class Event(Notification, Protocol):
    """Something that has happened: delivered until the receiver has taken or refused it."""

    is_event: ClassVar[bool]


class Question(Notification, Protocol):
    """Something the game must answer before the request goes on: asked once, never again by itself."""

    is_question: ClassVar[bool]


def body_of(notification: Notification, project: Project, *, version: int = 1) -> bytes:
    """The body as it is signed and sent: compact JSON in UTF-8, `/` as it is, no newline at the end."""
    return orjson.dumps({"notification_type": notification.name, **notification.payload(project, version=version)})


def _settings(project: Project) -> dict[str, int]:
    return {"project_id": project.project_id, "merchant_id": project.merchant_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserValidation:
    """Asks the game whether it knows the player. 200, 201 or 204: yes; 4xx: no.

    custom_parameters: those of the purchase, by which a game tells characters or servers of one player apart.
    """

    name: ClassVar[str] = "user_validation"
    is_question: ClassVar[bool] = True

    user_id: str
    country: str | None = None
    email: str | None = None
    ip: str | None = None
    phone: str | None = None
    user_name: str | None = None
    zip: str | None = None
    custom_parameters: Mapping[str, Any] | None = None

    def payload(self, project: Project, *, version: int) -> dict[str, Any]:
        known = {
            "ip": self.ip,
            "phone": self.phone,
            "email": self.email,
            "id": self.user_id,
            "name": self.user_name,
            "country": self.country,
            "zip": self.zip,
        }
        body: dict[str, Any] = {
            "settings": _settings(project),
            "user": {key: value for key, value in known.items() if value is not None},
        }
        return {**body, "custom_parameters": dict(self.custom_parameters)} if self.custom_parameters else body


@dataclass(frozen=True, slots=True, kw_only=True)
class BackpackUserValidation:
    """Asks the game whether it knows the player, in the Backpack's own (deprecated) form. 404: no."""

    name: ClassVar[str] = "user_validation"
    is_question: ClassVar[bool] = True

    user_id: str

    def payload(self, project: Project, *, version: int) -> dict[str, Any]:
        return {"settings": _settings(project), "user": {"id": self.user_id}}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerSideCatalog:
    """Asks the game which items the player sees. 200 with a list of them; 404: the game does not know the player.

    user_id: None for somebody who is not signed in. Receivers of the older document look for it under `id`.
    """

    name: ClassVar[str] = "partner_side_catalog"
    is_question: ClassVar[bool] = True

    user_id: str | None
    country: str | None
    currency: str | None
    locale: str

    def payload(self, project: Project, *, version: int) -> dict[str, Any]:
        known = {"country": self.country, "currency": self.currency, "locale": self.locale}
        return {
            "user": {
                "user_id": self.user_id,
                "id": self.user_id,
                **{key: value for key, value in known.items() if value is not None},
            }
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BackpackItemPaid:
    """Tells the game of an item that leaves the Backpack, as an order that costs nothing (`order_paid`).

    order_id: the number under which the game recognises a repeat. It must belong to the item for good and be
    given to no other item or order. The item's own id has no place in an order; it stands in
    custom_parameters.backpack_item_id.
    """

    name: ClassVar[str] = "order_paid"
    is_event: ClassVar[bool] = True

    item_id: UUID
    order_id: int
    item_sku: str
    is_currency: bool
    quantity: int
    user_game_id: str

    def payload(self, project: Project, *, version: int) -> dict[str, Any]:
        item: dict[str, Any] = {
            "sku": self.item_sku,
            "type": "virtual_currency" if self.is_currency else "virtual_good",
            "is_pre_order": False,
            "quantity": self.quantity,
            "amount": "0",
            "promotions": [],
        }
        if version == 2:
            item |= {"is_free": True, "is_bonus": False, "is_bundle_content": False}
        return {
            "items": [item],
            "order": {
                "id": self.order_id,
                "mode": "sandbox" if project.is_sandbox else "default",
                "currency_type": "unknown",
                "currency": None,
                "amount": "0",
                "status": "paid",
                "platform": "xsolla",
                "comment": None,
                "invoice_id": None,
                "promotions": [],
                "promocodes": [],
                "coupons": [],
            },
            "user": {"external_id": self.user_game_id},
            "custom_parameters": {"backpack_item_id": str(self.item_id)},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BackpackItemMoved:
    """Tells the game of an item that leaves the Backpack, in the Backpack's own (deprecated) form."""

    name: ClassVar[str] = "move_to_game"
    is_event: ClassVar[bool] = True

    item_id: UUID
    item_sku: str
    is_currency: bool
    quantity: int
    user_game_id: str

    def payload(self, project: Project, *, version: int) -> dict[str, Any]:
        item: dict[str, Any] = {
            "id": str(self.item_id),
            "sku": self.item_sku,
            "type": "virtual_currency" if self.is_currency else "virtual_item",
        }
        if self.is_currency:
            item["quantity"] = self.quantity
        return {"settings": _settings(project), "items": [item], "user": {"id": self.user_game_id}}


EVENTS: tuple[type[Event], ...] = (*ORDER_EVENTS, BackpackItemPaid, BackpackItemMoved)
QUESTIONS: tuple[type[Question], ...] = (UserValidation, BackpackUserValidation, PartnerSideCatalog)
