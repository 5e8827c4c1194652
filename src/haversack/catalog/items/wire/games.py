"""Bodies and views of games with their keys, one key for each platform."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.items.drm import DRMS
from haversack.catalog.items.queries import CodeStock
from haversack.catalog.items.related import Related
from haversack.catalog.items.wire.bodies import Attributes, Groups, Media, Periods, Regions, VirtualPrices
from haversack.catalog.items.wire.parts import (
    LIST_MAX,
    Flag,
    GamePriceBody,
    MediaView,
    NamedVirtualPriceView,
    PeriodView,
    PreOrderBody,
    PreOrderView,
    PriceView,
    ReadBackBody,
    RegionRefView,
    Sku,
    StrictBody,
    Whole,
)
from haversack.catalog.items.wire.views import shared_fields
from haversack.catalog.records import Details, Item, ItemKind
from haversack.catalog.taxonomy.wire import (
    AttributeView,
    GroupRefView,
    Link,
    OptionalTranslationsBody,
    TranslationsBody,
    TranslationsView,
)
from haversack.http.wire import WireModel
from haversack.limits.wire import AdminLimitsView, LimitsBody

GamePrices = Annotated[list[GamePriceBody], Field(max_length=LIST_MAX)]


def _known_drm(sku: str) -> str:
    if sku not in DRMS:
        raise ValueError(f"must be one of {', '.join(DRMS)}")
    return sku


DrmSku = Annotated[str, AfterValidator(_known_drm)]


class GameKeyBody(StrictBody):
    """A game's key for one platform. Without a name of its own it has the game's."""

    sku: Sku
    name: OptionalTranslationsBody = None
    groups: Groups = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=list)
    is_free: Flag = False
    prices: GamePrices
    vc_prices: VirtualPrices = Field(default_factory=list)
    order: Whole = 1
    is_enabled: Flag = True
    is_show_in_store: Flag = True
    drm_sku: DrmSku
    pre_order: PreOrderBody | None = None
    regions: Regions = Field(default_factory=list)
    limits: LimitsBody | None = None
    periods: Periods | None = None


class GameBody(ReadBackBody):
    """A game, whole: keys that are left out of a change are deleted."""

    of_answers = ReadBackBody.of_answers | {"is_free"}

    sku: Sku
    name: TranslationsBody
    description: OptionalTranslationsBody = None
    long_description: OptionalTranslationsBody = None
    image_url: Link | None = None
    media_list: Media = Field(default_factory=list)
    order: Whole = 1
    groups: Groups = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=list)
    is_enabled: Flag = True
    is_show_in_store: Flag = True
    unit_items: Annotated[list[GameKeyBody], Field(max_length=LIST_MAX)]

    def draft(self, now: datetime) -> ItemDraft:
        """The game as it is given, with its keys."""
        return ItemDraft(
            kind=ItemKind.GAME,
            sku=self.sku,
            name=self.name,
            description=self.description,
            long_description=self.long_description,
            image_url=self.image_url,
            media_list=tuple(one.record() for one in self.media_list),
            groups=tuple(group.external_id for group in self.groups),
            attributes=tuple(attribute.record() for attribute in self.attributes),
            is_enabled=self.is_enabled,
            is_show_in_store=self.is_show_in_store,
            sort_order=self.order,
            keys=tuple(self._key(key, now) for key in self.unit_items),
        )

    def _key(self, key: GameKeyBody, now: datetime) -> ItemDraft:
        """A key, described and shown as its game."""
        return ItemDraft(
            kind=ItemKind.GAME_KEY,
            sku=key.sku,
            name=key.name or self.name,
            description=self.description,
            long_description=self.long_description,
            image_url=self.image_url,
            media_list=tuple(one.record() for one in self.media_list),
            groups=tuple(group.external_id for group in key.groups),
            attributes=tuple(attribute.record() for attribute in key.attributes),
            prices=tuple(price.record() for price in key.prices),
            virtual_prices=tuple(price.record() for price in key.vc_prices),
            is_free=key.is_free,
            is_enabled=key.is_enabled,
            is_show_in_store=key.is_show_in_store,
            sort_order=key.order,
            region_ids=tuple(region.id for region in key.regions),
            periods=tuple(period.record() for period in key.periods or ()),
            limits=None if key.limits is None else key.limits.record(now),
            pre_order=None if key.pre_order is None else key.pre_order.record(),
            details=Details(drm_sku=key.drm_sku),
        )


class GameIdView(WireModel):
    """What was made, by its id and SKU."""

    item_id: int
    sku: str


class CodeStockView(WireModel):
    """The codes of a key."""

    available: int
    total: int
    used: int

    @classmethod
    def of(cls, codes: CodeStock) -> Self:
        """The view of a stock of codes."""
        return cls(available=codes.available, total=codes.total, used=codes.total - codes.available)


def _is_none(value: object) -> bool:
    return value is None


class GameKeyView(WireModel):
    """A game's key for one platform."""

    item_id: int
    sku: str
    type: str
    name: TranslationsView
    # Left out where the game has none.
    long_description: Annotated[TranslationsView | None, Field(exclude_if=_is_none)]
    groups: list[GroupRefView]
    attributes: list[AttributeView]
    is_free: bool
    prices: list[PriceView]
    virtual_prices: list[NamedVirtualPriceView]
    order: int
    is_enabled: bool
    is_show_in_store: bool
    drm_name: str
    drm_sku: str
    drm_image: str | None
    drm_id: int
    keys: CodeStockView
    is_sales_exist: bool
    pre_order: PreOrderView
    regions: list[RegionRefView]
    limits: AdminLimitsView
    periods: list[PeriodView]

    @classmethod
    def of(cls, key: Item, related: Related, now: datetime) -> Self:
        """The view of a key."""
        drm = DRMS[key.details.drm_sku or ""]
        codes = related.codes.get(key.item_id, CodeStock(0, 0, 0))
        shared = shared_fields(key, related, now)
        return cls(
            **{name: shared[name] for name in cls.model_fields.keys() & shared.keys()},
            prices=[PriceView.of(price) for price in key.prices],
            virtual_prices=NamedVirtualPriceView.of_prices(key.virtual_prices, related.currencies),
            drm_name=drm.name,
            drm_sku=drm.sku,
            drm_image=None,
            drm_id=drm.drm_id,
            keys=CodeStockView.of(codes),
            is_sales_exist=codes.sold > 0,
            pre_order=PreOrderView.of(key.pre_order),
        )


class GameView(WireModel):
    """A game with its keys."""

    item_id: int
    sku: str
    type: str
    name: TranslationsView
    description: TranslationsView | None
    long_description: TranslationsView | None
    image_url: str | None
    media_list: list[MediaView]
    order: int
    groups: list[GroupRefView]
    attributes: list[AttributeView]
    is_enabled: bool
    is_free: bool
    is_show_in_store: bool
    unit_items: list[GameKeyView]

    @classmethod
    def of(cls, item: Item, related: Related, now: datetime) -> Self:
        """The view of a game."""
        shared = shared_fields(item, related, now)
        fields: dict[str, Any] = {name: shared[name] for name in cls.model_fields.keys() & shared.keys()}
        keys = related.keys.get(item.item_id, ())
        return cls(**fields, unit_items=[GameKeyView.of(key, related, now) for key in keys])
