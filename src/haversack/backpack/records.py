"""What the Backpack holds, as the rest of the feature sees it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class ItemType(StrEnum):
    """The kinds of Backpack items, in the words of the wire."""

    GAME_KEY = "game_key"
    PROMO_CODE = "promo_code"
    VIRTUAL_ITEM = "virtual_item"
    VIRTUAL_CURRENCY = "virtual_currency"


class ItemState(StrEnum):
    """Where an item stands. The wire shows `claimed` for all that are still in the Backpack."""

    CLAIMED = "claimed"
    CHECKING = "checking"  # the game is being asked about the player
    DELIVERING = "delivering"  # the game is being told; it leaves when the game accepts
    RECEIVED = "received"
    DELETED = "deleted"


class Flow(StrEnum):
    """How a player gets an item out of the Backpack."""

    COPY = "copy"  # a key or code, entered elsewhere
    ID = "id"  # by the player's id in the game
    LINK = "link"  # to a linked platform account
    WALLET = "wallet"  # to the player's balance


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """An item as a distributor hands it in."""

    item_type: ItemType
    item_sku: str
    item_name: str
    image_url: str
    description: str | None
    code: str = ""
    price: Decimal | None = None
    currency: str = "USD"
    quantity: int
    platform: str = ""
    external_game_id: str = ""
    game_name: str = ""
    game_image_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of a player's Backpack. `code` is the plain key or promo code."""

    project_id: int
    merchant_id: int
    item_id: UUID
    player_id: UUID
    item_type: ItemType
    item_sku: str
    item_name: str
    image_url: str
    description: str | None
    code: str
    price: Decimal | None
    currency: str
    quantity: int
    platform: str
    game_id: UUID | None
    external_game_id: str
    game_name: str
    game_image_url: str
    is_external_vc: bool
    created_at: datetime
    state: ItemState = ItemState.CLAIMED
    is_busy: bool = False
    user_game_id: str | None = None
    delivery_id: int | None = None
    held_by: bytes | None = None

    @property
    def flow(self) -> Flow:
        """How the item is received. A platform wins over the wallet (behaviour: the order of the guide's list)."""
        if self.item_type in (ItemType.GAME_KEY, ItemType.PROMO_CODE):
            return Flow.COPY
        if self.platform:
            return Flow.LINK
        if self.item_type is ItemType.VIRTUAL_CURRENCY and not self.is_external_vc:
            return Flow.WALLET
        return Flow.ID


@dataclass(frozen=True, slots=True)
class Game:
    """A game that gathers items of a project."""

    game_id: UUID
    external_game_id: str
    game_name: str
    game_image_url: str
