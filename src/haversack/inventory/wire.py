"""Bodies and views of the inventory calls. Unknown members of a body are ignored; views leave nothing out."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field

from haversack.catalog.read_model.rules import PAGE_SIZE_MAX, clamped
from haversack.http.platforms import Platform
from haversack.http.wire import WireModel
from haversack.inventory.rules import OWNED_MAX
from haversack.text import FALLBACK, language_of

# Operations of one server call; those after them are ignored.
OPERATIONS_MAX = 50


def _number(value: object) -> object:
    """A JSON number, no text that looks like one."""
    if isinstance(value, bool | str):
        raise ValueError("must be a whole number")
    return value


def _first(value: object) -> object:
    return value[:OPERATIONS_MAX] if isinstance(value, list) else value


Amount = Annotated[int, BeforeValidator(_number), Field(ge=0, le=OWNED_MAX)]
Quantity = Annotated[int, BeforeValidator(_number), Field(ge=1, le=OWNED_MAX)]
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,255}$")]
Comment = Annotated[str, Field(min_length=1, max_length=255)]
AnyText = Annotated[str, Field(min_length=1, max_length=255)]


class TextQuery(WireModel):
    """For whom something is read. All platforms share one inventory."""

    model_config = ConfigDict(extra="ignore")

    platform: Annotated[Platform, Field(description="where the player plays; every platform reads the same")] = "xsolla"
    locale: Annotated[
        str, Field(description="language of all texts, of two or five letters; texts that lack it are in English")
    ] = FALLBACK

    @property
    def language(self) -> str:
        """The language of the texts."""
        return language_of(self.locale) or FALLBACK


class InventoryQuery(TextQuery):
    """A page of the inventory."""

    limit: Annotated[
        int,
        Field(ge=1, description=f"entries on a page; more than {PAGE_SIZE_MAX} give {PAGE_SIZE_MAX}"),
        AfterValidator(clamped),
    ] = PAGE_SIZE_MAX
    offset: Annotated[int, Field(ge=0, le=OWNED_MAX, description="entries before the page")] = 0


class ConsumeQuery(WireModel):
    """Where the player plays."""

    model_config = ConfigDict(extra="ignore")

    platform: Platform = "xsolla"


class ConsumeBody(WireModel):
    """What a player uses up: so many of an item, or one use of one piece. The `sku` is required; a refusal of its own
    says so."""

    model_config = ConfigDict(json_schema_extra={"required": ["sku"]})

    sku: AnyText | None = None
    quantity: Quantity | None = None
    instance_id: Annotated[UUID, Field(json_schema_extra={"minLength": 32, "maxLength": 32})] | None = None


class UserBody(WireModel):
    """Who is meant: the id under which the game and its tokens name the player."""

    id: Annotated[str, Field(min_length=1, max_length=255)]


class ItemBody(WireModel):
    """How many of an item are given or taken away."""

    sku: Sku
    quantity: Quantity


class ItemSetBody(WireModel):
    """How many of an item there shall be."""

    sku: Sku
    quantity: Amount


class _OperationBody(WireModel):
    """Whom an operation is about, and what is said of it."""

    user: UserBody
    comment: Comment | None = None
    platform: Platform = "xsolla"


class GiveBody(_OperationBody):
    """Items that a player is given or that are taken away."""

    items: Annotated[list[ItemBody], Field(min_length=1)]


class SetBody(_OperationBody):
    """Items whose number is set."""

    items: Annotated[list[ItemSetBody], Field(min_length=1)]


class PurchaseBody(WireModel):
    """A purchase that was paid elsewhere."""

    amount: Annotated[str, Field(pattern=r"^\d{1,15}(\.\d{1,10})?$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    external_purchase_id: AnyText
    external_purchase_date: AwareDatetime


class PurchaseOperationBody(GiveBody):
    """Items that a player has bought elsewhere."""

    purchase: PurchaseBody
    custom_parameters: Annotated[dict[str, Any], Field(min_length=1, max_length=200)] | None = None


Gifts = Annotated[list[GiveBody], BeforeValidator(_first)]
Settings = Annotated[list[SetBody], BeforeValidator(_first)]
Purchases = Annotated[list[PurchaseOperationBody], BeforeValidator(_first)]


class LinkBody(WireModel):
    """The code that a player has read, and the account of a platform that it shall be linked to."""

    linking_code: Annotated[str, Field(min_length=1, max_length=64)]
    platform: Platform
    user_id: AnyText


# -- Views ----------------------------------------------------------------------------------------------------------


class AttributeValueView(WireModel):
    """A value of an attribute."""

    external_id: str
    value: str


class AttributeView(WireModel):
    """An attribute that an item has."""

    external_id: str
    name: str
    values: list[AttributeValueView]


class GroupView(WireModel):
    """A group that an item is in."""

    external_id: str
    name: str


class OwnedItemView(WireModel):
    """What stacks, with its number and one use; or one piece, with its uses."""

    sku: str
    name: str
    description: str | None
    image_url: str
    type: Literal["virtual_good"]
    virtual_item_type: Literal["consumable", "non_consumable", "non_renewing_subscription"]
    attributes: list[AttributeView]
    groups: list[GroupView]
    instance_id: str | None
    quantity: int | None
    remaining_uses: int | None


class InventoryView(WireModel):
    """A page of a player's inventory. The documents lack `has_more`; the Unity SDK reads on as long as it is true."""

    has_more: bool
    items: list[OwnedItemView]


class BalanceView(WireModel):
    """How much of a currency a player has."""

    sku: str
    name: str
    description: str | None
    image_url: str
    type: Literal["virtual_currency"]
    amount: int


class BalancesView(WireModel):
    """A player's balances."""

    items: list[BalanceView]


class TimeLimitedItemView(WireModel):
    """Until when a player has an item, in seconds."""

    model_config = ConfigDict(populate_by_name=True)

    sku: str
    name: str
    description: str | None
    image_url: str
    type: Literal["virtual_good"]
    virtual_item_type: str
    class_: Annotated[str | None, Field(alias="class")]
    expired_at: int | None
    status: Literal["none", "active", "expired"]


class TimeLimitedView(WireModel):
    """A player's time-limited items."""

    items: list[TimeLimitedItemView]


class ChangedItemView(WireModel):
    """The number that was sent, and how many the player has now."""

    sku: str
    quantity: int
    balance: int


class OperationView(WireModel):
    """What an operation has done. `amount` is what was paid elsewhere, as it was reported; 0 where nothing was."""

    user_id: str
    platform: Platform | None
    comment: str | None
    amount: str
    items: list[ChangedItemView]


class OperationsView(WireModel):
    """What a server call has done."""

    count: int
    operations: list[OperationView]
