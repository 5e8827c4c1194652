"""What the items of the client catalog are made of: groups, prices, limits, promotions."""

from typing import Annotated, Literal, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict  # Pydantic reads no other on Python 3.11


class ClientGroupRef(TypedDict):
    """A group that an item is in."""

    external_id: str
    name: str


class ClientAttributeValue(TypedDict):
    """A value of an attribute."""

    external_id: str
    value: str


class ClientAttribute(TypedDict):
    """An attribute of an item."""

    external_id: str
    name: str
    values: list[ClientAttributeValue]


class ClientPrice(TypedDict):
    """A price in real money, as decimal numbers."""

    amount: str
    amount_without_discount: str
    currency: str


class ClientCalculatedPrice(TypedDict):
    """A price in virtual currency, as decimal numbers."""

    amount: str
    amount_without_discount: str


class ClientVirtualPrice(TypedDict):
    """A price in a virtual currency, in whole units."""

    item_id: int
    sku: str
    name: str
    type: str
    description: str
    image_url: str
    amount: int
    amount_without_discount: int
    calculated_price: ClientCalculatedPrice
    is_default: bool


class ClientConsumable(TypedDict):
    """How often an item can be used."""

    usages_count: int | None


class ClientExpiration(TypedDict):
    """How long an item is owned."""

    type: Literal["minute", "hour", "day", "week", "month", "year"]
    value: int


class ClientInventoryOptions(TypedDict):
    """How an item is used up."""

    consumable: ClientConsumable | None
    expiration_period: ClientExpiration | None


class ClientDiscount(TypedDict):
    """What a promotion takes off; both null where it takes nothing off."""

    percent: str | None
    value: str | None


class ClientBonus(TypedDict):
    """What a promotion adds."""

    sku: str
    quantity: int
    type: str
    name: str
    image_url: str
    bundle_type: NotRequired[str]


class ClientPromotionUses(TypedDict):
    """How often a player may have a promotion."""

    total: int
    available: int


class ClientPromotionLimits(TypedDict):
    """Limits of a promotion."""

    per_user: ClientPromotionUses


class ClientPromotion(TypedDict):
    """A promotion that an item takes part in; `limits` where each player may have it only so often."""

    name: str
    date_start: str | None
    date_end: str | None
    discount: ClientDiscount
    bonus: list[ClientBonus]
    limits: NotRequired[ClientPromotionLimits]


class ClientReset(TypedDict):
    """When a player's limit begins anew: a Unix time in seconds."""

    interval_type: Literal["hourly", "daily", "weekly", "monthly"]
    reset_next_date: int


# Nullable without a level of its own in the document.
NullableReset = Annotated[
    ClientReset | None,
    WithJsonSchema(
        {
            "type": ["object", "null"],
            "description": "when a player's limit begins anew: a Unix time in seconds",
            "properties": {
                "interval_type": {"type": "string", "enum": ["hourly", "daily", "weekly", "monthly"]},
                "reset_next_date": {"type": "integer"},
            },
            "required": ["interval_type", "reset_next_date"],
        }
    ),
]


class ClientUserLimit(TypedDict):
    """How many a player may have, and may still have."""

    total: int
    available: int
    recurrent_schedule: NullableReset
    limit_exceeded_visibility: Literal["show", "hide"]


class ClientItemLimit(TypedDict):
    """How many there are for everybody. What is reserved and sold is told to the studio alone."""

    total: int
    available: int
    reserved: NotRequired[int]
    sold: NotRequired[int]


class ClientScheduleOfUser(TypedDict):
    """The schedule in the studio's form."""

    interval_type: str
    day_of_week: int | None
    day_of_month: int | None
    time: str
    reset_next_date: int
    displayable_reset_start_date: str
    displayable_reset_next_date: str


class ClientSchedules(TypedDict):
    """Schedules in the studio's form."""

    per_user: ClientScheduleOfUser


class ClientLimits(TypedDict):
    """Limits of an item."""

    per_user: ClientUserLimit | None
    per_item: ClientItemLimit | None
    recurrent_schedule: NotRequired[ClientSchedules | None]


class ClientPeriod(TypedDict):
    """A window of sale; null is open."""

    date_from: str | None
    date_until: str | None


class ClientVpReward(TypedDict):
    """Value points that come with an item."""

    item_id: int
    sku: str
    amount: int
    name: str
    image_url: str
    is_clan: bool


class ClientMedia(TypedDict):
    """A picture or video."""

    type: Literal["image", "video"]
    url: str
