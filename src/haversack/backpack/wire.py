"""Bodies and views of the Backpack calls. Unknown members of a body are ignored; views leave nothing out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, PlainSerializer, model_validator

from haversack.backpack.records import Game, Item, ItemType, NewItem
from haversack.clock import wire_time
from haversack.http.wire import WireModel
from haversack.money import AMOUNT_MAX, CurrencyCode, NumberOnWire, has_too_many_decimals

UINT32_MAX = 2**32 - 1
LIST_MAX = 100

Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-.]{1,255}$")]
Name = Annotated[str, Field(min_length=1, max_length=255)]
OptionalName = Annotated[str, Field(max_length=255)]
Link = Annotated[str, Field(min_length=1, max_length=2048)]
OptionalLink = Annotated[str, Field(max_length=2048)]
Description = Annotated[str | None, Field(max_length=5000)]
Platform = Literal["steam", ""]
Quantity = Annotated[int, Field(ge=1, le=UINT32_MAX)]
ItemId = Annotated[UUID, PlainSerializer(str, return_type=str)]


class _NewItemBody(WireModel):
    """What every new item carries."""

    item_sku: Sku
    image_url: Link
    description: Description = None
    game_name: OptionalName = ""
    game_image_url: OptionalLink = ""
    external_game_id: OptionalName = ""


class NewGameKeyBody(_NewItemBody):
    """A game key, which its player copies."""

    code: Annotated[str, Field(min_length=1, max_length=512)]

    def record(self) -> NewItem:
        """The item that is handed in."""
        return NewItem(item_type=ItemType.GAME_KEY, item_name="", quantity=1, **self.model_dump())


class NewPromoCodeBody(_NewItemBody):
    """A promo code, which its player copies and the game redeems."""

    item_name: Name
    promo_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,128}$")]

    def record(self) -> NewItem:
        """The item that is handed in."""
        values = self.model_dump(exclude={"promo_code"})
        return NewItem(item_type=ItemType.PROMO_CODE, quantity=1, code=self.promo_code, **values)


class NewVirtualCurrencyBody(_NewItemBody):
    """An amount of a virtual currency; the price is that of the whole amount."""

    item_name: Name
    price: Annotated[NumberOnWire, Field(ge=0, lt=AMOUNT_MAX, max_digits=15, allow_inf_nan=False)]
    currency: CurrencyCode = "USD"
    quantity: Quantity
    platform: Platform = ""

    @model_validator(mode="after")
    def price_fits_its_currency(self) -> Self:
        """JPY has no decimals, KWD three."""
        if has_too_many_decimals(self.price, self.currency):
            raise ValueError(f"price has more decimals than {self.currency} has")
        return self

    def record(self) -> NewItem:
        """The item that is handed in."""
        return NewItem(item_type=ItemType.VIRTUAL_CURRENCY, **{**self.model_dump(), "price": self.price})


class NewVirtualItemBody(_NewItemBody):
    """A virtual item, received in its game."""

    item_name: Name
    platform: Platform = ""

    def record(self) -> NewItem:
        """The item that is handed in."""
        return NewItem(item_type=ItemType.VIRTUAL_ITEM, quantity=0, **self.model_dump())


NewGameKeys = Annotated[list[NewGameKeyBody], Field(min_length=1, max_length=LIST_MAX)]
NewPromoCodes = Annotated[list[NewPromoCodeBody], Field(min_length=1, max_length=LIST_MAX)]
NewVirtualCurrencies = Annotated[list[NewVirtualCurrencyBody], Field(min_length=1, max_length=LIST_MAX)]
NewVirtualItems = Annotated[list[NewVirtualItemBody], Field(min_length=1, max_length=LIST_MAX)]


@dataclass(slots=True)
class GameKeyView:
    """A stored game key."""

    item_id: ItemId
    item_sku: str
    code: str
    description: str | None
    image_url: str
    game_name: str
    external_game_id: str
    item_type: Literal["game_key"]
    item_status: Literal["claimed"]
    created_at: str

    @classmethod
    def of(cls, item: Item) -> Self:
        """The view of an item."""
        return cls(code=item.code, item_type="game_key", **_stored(item))


@dataclass(slots=True)
class PromoCodeView:
    """A stored promo code."""

    item_id: ItemId
    item_sku: str
    item_name: str
    promo_code: str
    description: str | None
    image_url: str
    game_name: str
    external_game_id: str
    project_id: int
    merchant_id: int
    item_type: Literal["promo_code"]
    item_status: Literal["claimed"]
    created_at: str

    @classmethod
    def of(cls, item: Item) -> Self:
        """The view of an item."""
        return cls(promo_code=item.code, item_type="promo_code", **_stored(item), **_named(item))


@dataclass(slots=True)
class VirtualCurrencyView:
    """A stored amount of a virtual currency."""

    item_id: ItemId
    item_sku: str
    item_name: str
    description: str | None
    image_url: str
    game_name: str
    external_game_id: str
    platform: Platform
    project_id: int
    merchant_id: int
    price: NumberOnWire
    currency: str
    quantity: int
    is_external_vc: bool
    item_type: Literal["virtual_currency"]
    item_status: Literal["claimed"]
    created_at: str

    @classmethod
    def of(cls, item: Item) -> Self:
        """The view of an item."""
        assert item.price is not None
        return cls(
            platform=_platform(item),
            price=item.price,
            currency=item.currency,
            quantity=item.quantity,
            is_external_vc=item.is_external_vc,
            item_type="virtual_currency",
            **_stored(item),
            **_named(item),
        )


@dataclass(slots=True)
class VirtualItemView:
    """A stored virtual item."""

    item_id: ItemId
    item_sku: str
    item_name: str
    description: str | None
    image_url: str
    game_name: str
    external_game_id: str
    platform: Platform
    project_id: int
    merchant_id: int
    item_type: Literal["virtual_item"]
    item_status: Literal["claimed"]
    created_at: str

    @classmethod
    def of(cls, item: Item) -> Self:
        """The view of an item."""
        return cls(platform=_platform(item), item_type="virtual_item", **_stored(item), **_named(item))


@dataclass(slots=True)
class ItemView:
    """An item of a list: every field is there, and what does not apply to its type is empty."""

    item_id: ItemId
    item_sku: str
    item_name: str
    item_type: ItemType
    item_status: Literal["claimed"]
    description: str | None
    image_url: str
    image_proxy_url: str | None
    project_id: int
    merchant_id: int
    game_name: str
    external_game_id: str
    code: str
    promo_code: str
    platform: Platform
    price: NumberOnWire | None
    currency: str
    quantity: int
    is_external_vc: bool
    created_at: str

    @classmethod
    def of(cls, item: Item, image_proxy_url: str | None) -> "ItemView":
        """The view of an item, with the address of its resized picture."""
        return cls(
            item_id=item.item_id,
            item_sku=item.item_sku,
            item_name=item.item_name,
            item_type=item.item_type,
            item_status="claimed",
            description=item.description,
            image_url=item.image_url,
            image_proxy_url=image_proxy_url,
            project_id=item.project_id,
            merchant_id=item.merchant_id,
            game_name=item.game_name,
            external_game_id=item.external_game_id,
            code=item.code if item.item_type is ItemType.GAME_KEY else "",
            promo_code=item.code if item.item_type is ItemType.PROMO_CODE else "",
            platform=_platform(item),
            price=item.price,
            currency=item.currency,
            quantity=item.quantity,
            is_external_vc=item.is_external_vc,
            created_at=wire_time(item.created_at),
        )


@dataclass(slots=True)
class ItemGroupView:
    """The items of one game; those without a game stand under the empty name."""

    game_name: str
    items: list[ItemView]


def _require(*names: str) -> Callable[[dict[str, Any]], None]:
    """The document requires these fields, for clients that are made from it."""

    def add(schema: dict[str, Any]) -> None:
        schema["required"] = [*schema.get("required", []), *names]

    return add


class NewGameBody(WireModel):
    """A game that gathers items. The contract requires both ids and calls them deprecated: the path has them, so a
    body without them is taken too. A game without a name is called by its external id."""

    model_config = ConfigDict(json_schema_extra=_require("merchant_id", "project_id"))

    external_game_id: Name
    game_name: OptionalName = ""
    game_image_url: OptionalLink = ""
    merchant_id: int | None = Field(None, deprecated=True)
    project_id: int | None = Field(None, deprecated=True)


class GameDetailsBody(WireModel):
    """New details of the game that external_game_id names; what is left out stays."""

    external_game_id: Name
    game_name: Name | None = None
    game_image_url: OptionalLink | None = None


class GameIdView(WireModel):
    """The id of a new game."""

    id: ItemId


class GameView(WireModel):
    """A game of a project."""

    external_game_id: str
    game_name: str

    @classmethod
    def of(cls, game: Game) -> Self:
        """The view of a game."""
        return cls(external_game_id=game.external_game_id, game_name=game.game_name)


class MoveToGameBody(WireModel):
    """Which item goes to which player of the game."""

    item_id: UUID
    user_game_id: Annotated[str, Field(min_length=1, max_length=255)]


class ReceiveBody(WireModel):
    """Which item goes to the wallet."""

    item_id: UUID


def _platform(item: Item) -> Platform:
    return "steam" if item.platform == "steam" else ""


def _stored(item: Item) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "item_sku": item.item_sku,
        "description": item.description,
        "image_url": item.image_url,
        "game_name": item.game_name,
        "external_game_id": item.external_game_id,
        "item_status": "claimed",
        "created_at": wire_time(item.created_at),
    }


def _named(item: Item) -> dict[str, Any]:
    return {"item_name": item.item_name, "project_id": item.project_id, "merchant_id": item.merchant_id}
