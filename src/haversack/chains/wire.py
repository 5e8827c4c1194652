"""What chains share on the wire: what says what daily and offer chains are, the items of their steps, and times."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from haversack.catalog.items.wire.parts import Count, Flag, MomentText, Sku, StrictBody, Whole
from haversack.catalog.read_model.pieces import NESTING_MAX
from haversack.catalog.records import Item
from haversack.catalog.selling import SellableItem, Shop
from haversack.catalog.taxonomy.wire import OptionalTranslationsBody, TranslationsBody, TranslationsView
from haversack.chains.drafts import RewardDraft, StepDraft
from haversack.chains.records import Chain, Reward
from haversack.clock import wire_time
from haversack.errors import Fault
from haversack.http.wire import WireModel
from haversack.text import reading


def milliseconds(moment: datetime) -> int:
    """A moment as reward and offer chains give the next reset."""
    return int(moment.timestamp()) * 1_000


class StepItemBody(StrictBody):
    """So many of an item."""

    sku: Sku
    quantity: Count


# A step of so many items is none that a player could take in.
ITEMS_MAX = 100
ItemBodies = Annotated[list[StepItemBody], Field(min_length=1, max_length=ITEMS_MAX)]


def step_draft(
    place: int, *, step_id: int | None, number: int, items: Sequence[StepItemBody], is_free: bool = True
) -> StepDraft:
    """The step at a place of a body."""
    where = f"steps.{place}"
    rewards = (RewardDraft(f"{where}.items.{index}.sku", item.sku, item.quantity) for index, item in enumerate(items))
    return StepDraft(property=where, step_id=step_id, number=number, rewards=tuple(rewards), is_free=is_free)


def id_faults(given: int | None, chain_id: int) -> Sequence[Fault]:
    """What is wrong with the id in a body: it may be left out, and is that of the path where it is not."""
    return [] if given in (None, chain_id) else [Fault("id", f"the path names chain {chain_id}")]


class AnyChainBody(StrictBody):
    """What bodies of both kinds begin with."""

    name: TranslationsBody
    description: OptionalTranslationsBody = None
    order: Whole = 1
    date_start: MomentText
    date_end: MomentText | None = None
    is_enabled: Flag

    @property
    def starts_at(self) -> datetime:
        """When the chain begins."""
        return datetime.fromisoformat(self.date_start)

    @property
    def ends_at(self) -> datetime | None:
        """When it ends; None: never."""
        return None if self.date_end is None else datetime.fromisoformat(self.date_end)


class AnyChainView(WireModel):
    """What both kinds show a studio first."""

    id: int
    name: TranslationsView
    description: TranslationsView | None
    order: int
    date_start: str
    date_end: str | None
    is_enabled: bool


def any_chain(chain: Chain) -> dict[str, Any]:
    """The members of the views of both kinds."""
    return {
        "id": chain.chain_id,
        "name": dict(chain.name),
        "description": None if chain.description is None else dict(chain.description),
        "order": chain.sort_order,
        "date_start": wire_time(chain.starts_at),
        "date_end": None if chain.ends_at is None else wire_time(chain.ends_at),
        "is_enabled": chain.is_enabled,
    }


class ChainIdView(WireModel):
    """The id of a new chain."""

    id: int


class AdminItemView(WireModel):
    """An item of a step as a studio reads it."""

    item_id: int
    sku: str
    type: str
    name: TranslationsView
    description: TranslationsView | None
    image_url: str | None
    is_free: bool
    quantity: int
    order: int

    @classmethod
    def of(cls, item: Item, quantity: int, place: int) -> Self:
        """The view of an item at a place of its step."""
        return cls(
            item_id=item.item_id,
            sku=item.sku,
            type=item.kind.wire_type,
            name=dict(item.name),
            description=None if item.description is None else dict(item.description),
            image_url=item.image_url,
            is_free=item.is_free,
            quantity=quantity,
            order=place,
        )

    @classmethod
    def of_rewards(cls, rewards: Sequence[Reward], items: Mapping[int, Item]) -> list[Self]:
        """The views of what a step gives, without items that have been deleted since; `items` are by id."""
        return [
            cls.of(items[reward.item_id], reward.quantity, place)
            for place, reward in enumerate(rewards, start=1)
            if reward.item_id in items
        ]


class ClientItemView(WireModel):
    """An item of a step as a player sees it, with what a bundle contains."""

    item_id: int
    sku: str
    type: str
    name: str
    description: str | None
    image_url: str | None
    is_free: bool
    quantity: int
    order: int
    bundle_type: str | None
    content: "list[ClientItemView] | None"

    @classmethod
    def of(cls, item: SellableItem, quantity: int, language: str, *, place: int, depth: int = 0) -> Self:
        """The view of an item at a place of its step. What a bundle contains that is switched off is left out, and what
        lies deeper than the client catalog shows."""
        is_bundle = item.kind.bundle_type is not None
        content = [
            cls.of(held.item, held.quantity, language, place=inner, depth=depth + 1)
            for inner, held in enumerate(item.content if depth < NESTING_MAX else (), start=1)
            if held.item.entry.is_enabled
        ]
        return cls(
            item_id=item.item_id,
            sku=item.sku,
            type=item.kind.wire_type,
            name=reading(item.name, language),
            description=reading(item.description, language) if item.description else None,
            image_url=item.image_url,
            is_free=item.is_free,
            quantity=quantity,
            order=place,
            bundle_type=item.kind.bundle_type,
            content=content if is_bundle else None,
        )

    @classmethod
    def of_rewards(cls, rewards: Sequence[Reward], shop: Shop, language: str) -> list[Self]:
        """The views of what a step gives, without items that have been deleted since."""
        return [
            cls.of(item, reward.quantity, language, place=place)
            for place, reward in enumerate(rewards, start=1)
            if (item := shop.find_by_id(reward.item_id)) is not None
        ]
