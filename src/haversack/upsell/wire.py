"""Wire models of the upsell."""

from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, field_validator
from typing_extensions import TypedDict  # Pydantic reads no other on Python 3.11

from haversack.catalog.items.drm import DRMS
from haversack.catalog.items.related import Related
from haversack.catalog.records import Item, ItemKind
from haversack.errors import STORE, Fault
from haversack.http.problems import invalid
from haversack.http.wire import WireModel
from haversack.upsell.records import Upsell, UpsellType

ITEMS_MAX = 200

Sku = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9_\-.]+$")]


class UpsellBody(WireModel):
    """How the items of an upsell are chosen. Those of a fixed list are named; for the other types they are passed
    over."""

    model_config = ConfigDict(extra="forbid")

    type: UpsellType
    is_enabled: bool
    items: Annotated[
        list[Sku] | None, Field(max_length=ITEMS_MAX, description="SKUs in order; required for `fixed_list`")
    ] = None

    @field_validator("items", mode="after")
    @classmethod
    def each_once(cls, value: list[str] | None) -> list[str] | None:
        """A SKU that is named twice stands where it was named first."""
        return None if value is None else list(dict.fromkeys(value))

    def skus(self) -> list[str]:
        """The items of a fixed list; a refusal where it has none."""
        if self.type is not UpsellType.FIXED_LIST:
            return []
        if not self.items:
            raise invalid(STORE.invalid, [Fault("items", "a fixed list names its items")])
        return self.items


class UpsellKey(TypedDict):
    """A key of a game in the list."""

    item_id: int
    sku: str
    type: str
    name: dict[str, str | None]
    drm_name: str
    drm_sku: str


class UpsellItem(TypedDict):
    """An item in the list; what its kind alone has stands only there."""

    item_id: int
    sku: str
    type: str
    name: dict[str, str | None]
    bundle_type: NotRequired[str]
    unit_type: NotRequired[str]
    unit_items: NotRequired[list[UpsellKey]]


class UpsellView(WireModel):
    """The upsell of the project."""

    is_enabled: bool
    type: Literal["fixed_list", "most_sellable", "only_promotions"]
    items: list[UpsellItem]

    @classmethod
    def of(cls, upsell: Upsell, items: dict[int, Item], related: Related) -> "UpsellView":
        """The upsell as its owner sees it; items that were deleted are not there."""
        named = [items[item_id] for item_id in upsell.item_ids if item_id in items]
        return cls(is_enabled=upsell.is_enabled, type=upsell.type.value, items=[_item(item, related) for item in named])


def _item(item: Item, related: Related) -> UpsellItem:
    shown = UpsellItem(item_id=item.item_id, sku=item.sku, type=item.kind.wire_type, name=dict(item.name))
    if item.kind.bundle_type is not None:
        shown["bundle_type"] = item.kind.bundle_type
    if item.kind is ItemKind.GAME:
        shown["unit_type"] = "game"
        shown["unit_items"] = [_key(key) for key in related.keys.get(item.item_id, ())]
    return shown


def _key(key: Item) -> UpsellKey:
    drm_sku = key.details.drm_sku or ""
    return UpsellKey(
        item_id=key.item_id,
        sku=key.sku,
        type=key.kind.wire_type,
        name=dict(key.name),
        drm_name=DRMS[drm_sku].name if drm_sku in DRMS else "",
        drm_sku=drm_sku,
    )
