"""Bodies and views of codes, rights to games, and pre-order limits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from haversack.catalog.items.wire.games import DrmSku
from haversack.catalog.items.wire.parts import INT32_MAX, Count, Flag, Sku
from haversack.catalog.keys.records import HeldGame, Mode, PreOrderLimit, Upload
from haversack.catalog.read_model.rules import is_before_release
from haversack.catalog.records import Attribute, AttributeLink, Item
from haversack.catalog.taxonomy.wire import CountryCode
from haversack.http.wire import WireModel
from haversack.limits.wire import ExternalId
from haversack.text import FALLBACK, reading

CODES_AT_ONCE_MAX = 10_000


class _Strict(WireModel):
    """A write: members that it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


# -- Codes ----------------------------------------------------------------------------------------------------------


class UploadView(WireModel):
    """How far an upload is. At its end, uploaded and skipped codes add up to the total."""

    session_id: str
    count_uploaded: int
    count_total: int
    count_skipped: int
    status: Literal["processing", "done", "error"]
    fault: str | None = Field(description="which lines held no code, how many were known; why it broke off")

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """The view of a session."""
        return cls(
            session_id=upload.session_id.hex,
            count_uploaded=upload.count_uploaded,
            count_total=upload.count_total,
            count_skipped=upload.count_skipped,
            status=upload.status.value,
            fault=upload.fault,
        )


class CodesQuery(WireModel):
    """For whom codes are taken out of stock, and why; without a region, from the codes of no region."""

    user_email: Annotated[str, Field(max_length=255, pattern=r"^[^@\s]+@[^@\s]+$")]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    region_id: Annotated[int | None, Field(ge=1, le=INT32_MAX)] = None


class CodesRequestQuery(CodesQuery):
    """How many codes are taken out of stock, for whom, and why."""

    quantity: Annotated[int, Field(ge=1, le=CODES_AT_ONCE_MAX)]


# -- Rights to games ------------------------------------------------------------------------------------------------


class RedeemBody(WireModel):
    """A code that opens a game. As in all calls of clients, members that it does not know are ignored."""

    code: Annotated[str, Field(min_length=1, max_length=1024)]
    sandbox: bool = False

    @property
    def mode(self) -> Mode:
        """Whether the right counts."""
        return Mode.SANDBOX if self.sandbox else Mode.DEFAULT


class GameRefBody(_Strict):
    """A game, by its SKU."""

    sku: Sku


class DrmRefBody(_Strict):
    """A platform, by its SKU."""

    sku: DrmSku


class RevokeBody(_Strict):
    """Which game a player shall not have any more."""

    user_external_id: ExternalId
    game: GameRefBody
    drm: DrmRefBody
    mode: Mode


class GrantBody(RevokeBody):
    """Which game a player shall have; with a code, that code is used up."""

    code: Annotated[str | None, Field(min_length=1, max_length=1024)] = None
    user_country: CountryCode | None = None


class HeldQuery(WireModel):
    """Which of the rights are listed; at most 50 at once."""

    limit: Annotated[int, Field(ge=1)] = 50
    offset: Annotated[int, Field(ge=0, le=INT32_MAX)] = 0
    sandbox: Annotated[int, Field(ge=0, le=1, description="1: the rights for trying things out")] = 0
    additional_fields: list[str] = Field([], alias="additional_fields[]", description="attributes: those of each game")
    additional_fields_plain: list[str] = Field([], alias="additional_fields", description="the same without brackets")

    @property
    def wants_attributes(self) -> bool:
        """Whether the attributes of the games are asked for. Fields that are not known are ignored."""
        named = (*self.additional_fields, *self.additional_fields_plain)
        return any("attributes" in value.split(",") for value in named)

    @property
    def mode(self) -> Mode:
        """Whether the rights count."""
        return Mode.SANDBOX if self.sandbox else Mode.DEFAULT


class HeldAttributeValueView(WireModel):
    """A value of an attribute, in English or the first language that it has."""

    external_id: str
    value: str


class HeldAttributeView(WireModel):
    """An attribute of a game."""

    external_id: str
    name: str
    values: list[HeldAttributeValueView]


class HeldGameView(WireModel):
    """A game that a player has a right to."""

    name: str
    description: str
    project_id: int
    game_sku: str
    drm: str
    image_url: str
    is_pre_order: bool
    attributes: list[HeldAttributeView]

    @classmethod
    def of(cls, game: HeldGame, attributes: Mapping[int, Attribute], now: datetime) -> Self:
        """The view of a game. `attributes`: those of the project by id, where they were asked for."""
        return cls(
            name=reading(game.name, FALLBACK),
            description=reading(game.description or {}, FALLBACK),
            project_id=game.project_id,
            game_sku=game.game_sku,
            drm=game.drm_sku,
            image_url=game.image_url or "",
            is_pre_order=is_before_release(game.pre_order, now),
            attributes=_attributes(game.attributes, attributes),
        )


def _attributes(links: Sequence[AttributeLink], attributes: Mapping[int, Attribute]) -> list[HeldAttributeView]:
    return [
        HeldAttributeView(
            external_id=attribute.external_id,
            name=reading(attribute.name, FALLBACK),
            values=[
                HeldAttributeValueView(external_id=value.external_id, value=reading(value.value, FALLBACK))
                for value in attribute.values
                if value.value_id in link.value_ids
            ],
        )
        for link in links
        if (attribute := attributes.get(link.attribute_id)) is not None
    ]


class HeldGamesView(WireModel):
    """A page of the games that a player has a right to, the newest right first."""

    has_more: bool
    total_items_count: int
    items: list[HeldGameView]


# -- Pre-order limits -----------------------------------------------------------------------------------------------


class QuantityBody(_Strict):
    """How many more, or fewer, may be ordered."""

    quantity: Count


class SetQuantityBody(_Strict):
    """How many may still be ordered."""

    quantity: Annotated[int, Field(strict=True, ge=0, le=INT32_MAX)]


class ToggleBody(_Strict):
    """Whether the limit holds."""

    is_pre_order_limit_enabled: Flag


class PreOrderLimitView(WireModel):
    """How many of an item may be ordered before it is out."""

    item_id: int
    sku: str
    is_pre_order_limit_enabled: bool
    available: int
    reserved: int
    sold: int

    @classmethod
    def of(cls, item: Item, limit: PreOrderLimit) -> Self:
        """The view of an item's limit."""
        return cls(
            item_id=item.item_id,
            sku=item.sku,
            is_pre_order_limit_enabled=limit.is_enabled,
            available=limit.available,
            reserved=limit.reserved,
            sold=limit.sold,
        )
