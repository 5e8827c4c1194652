"""What a studio says of a reward chain before the project is asked: its value point and what clans see."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from haversack.catalog.records import Item, Schedule
from haversack.chains.drafts import ChainDraft, StepDraft
from haversack.chains.records import ByPoints, Chain
from haversack.errors import Fault
from haversack.personalization.records import AttributeCondition
from haversack.text import Translations


@dataclass(frozen=True, slots=True, kw_only=True)
class ClanTexts:
    """What a chain of clans has beside all others."""

    clan_type: str | None = None
    popup_header: Translations | None = None
    popup_instruction: Translations | None = None
    popup_image_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardChainDraft:
    """A reward chain as a studio gives it, whole; value_point None: the one that it counts. says_clan_type: whether the
    clan type is among what was given."""

    value_point: str | None
    clan: ClanTexts = field(default_factory=ClanTexts)
    says_clan_type: bool = False
    name: Translations
    description: Translations | None = None
    long_description: Translations | None = None
    image_url: str | None = None
    sort_order: int = 1
    is_enabled: bool
    starts_at: datetime
    ends_at: datetime | None = None
    is_always_visible: bool = True
    conditions: tuple[AttributeCondition, ...] = ()
    schedule: Schedule | None = None
    steps: tuple[StepDraft, ...]


def with_point(draft: RewardChainDraft, point: Item | None) -> ChainDraft:
    """A new chain, counting a value point; None: the SKU that was given is none."""
    if point is None:
        fault = Fault("value_point.sku", f"there is no value point {draft.value_point}")
        return _chain_draft(draft, ByPoints(value_point_id=0), (fault,))
    opening = ByPoints(value_point_id=point.item_id, is_clan=point.details.is_clan)
    return _chain_draft(draft, _with_texts(opening, draft.clan), tuple(_clan_faults(draft, opening)))


def in_place_of(draft: RewardChainDraft, existing: Chain, sku: str | None) -> ChainDraft:
    """A chain in place of another, whose value point, with this SKU, and whose clan type stay."""
    opening = existing.opening
    assert isinstance(opening, ByPoints), "only reward chains are replaced by such"
    faults = list(_clan_faults(draft, opening))
    if draft.value_point not in (None, sku):
        faults.append(Fault("value_point.sku", f"stays what it is: {sku}"))
    if draft.says_clan_type and draft.clan.clan_type != opening.clan_type and opening.is_clan:
        faults.append(Fault("clan_type", f"stays what it is: {opening.clan_type}"))
    kept = replace(draft.clan, clan_type=opening.clan_type)
    return _chain_draft(draft, _with_texts(opening, kept), tuple(faults))


def _with_texts(opening: ByPoints, texts: ClanTexts) -> ByPoints:
    return ByPoints(
        value_point_id=opening.value_point_id,
        is_clan=opening.is_clan,
        clan_type=texts.clan_type,
        popup_header=texts.popup_header,
        popup_instruction=texts.popup_instruction,
        popup_image_url=texts.popup_image_url,
    )


def _clan_faults(draft: RewardChainDraft, opening: ByPoints) -> Iterator[Fault]:
    given = {
        "popup_header": draft.clan.popup_header,
        "popup_instruction": draft.clan.popup_instruction,
        "popup_image_url": draft.clan.popup_image_url,
        "clan_type": draft.clan.clan_type,
    }
    for name, value in given.items():
        if not opening.is_clan and value is not None:
            yield Fault(name, "belongs to chains that count the value points of clans")
        elif opening.is_clan and value is None and name in ("popup_header", "popup_instruction"):
            yield Fault(name, "must be given for a chain of clans")


def _chain_draft(draft: RewardChainDraft, opening: ByPoints, faults: tuple[Fault, ...]) -> ChainDraft:
    return ChainDraft(
        opening=opening,
        name=draft.name,
        description=draft.description,
        long_description=draft.long_description,
        image_url=draft.image_url,
        sort_order=draft.sort_order,
        is_enabled=draft.is_enabled,
        starts_at=draft.starts_at,
        ends_at=draft.ends_at,
        is_always_visible=draft.is_always_visible,
        conditions=draft.conditions,
        schedule=draft.schedule,
        steps=draft.steps,
        faults=faults,
    )
