"""What a studio says of a reward chain before the project is asked: its value point and what clans see."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from haversack.catalog.records import Item
from haversack.chains.drafts import ChainDraft
from haversack.chains.records import ByPoints, Chain, by_points
from haversack.errors import Fault

# In the place of a value point that is still to be looked up by its SKU.
POINT_NOT_KNOWN_YET = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardChainDraft:
    """A reward chain as a studio gives it, whole; value_point None: the one that it counts. says_clan_type: whether the
    clan type is among what was given. The chain opens by POINT_NOT_KNOWN_YET."""

    value_point: str | None
    says_clan_type: bool = False
    chain: ChainDraft

    @property
    def opening(self) -> ByPoints:
        """How its steps open, with the texts that were given."""
        assert isinstance(self.chain.opening, ByPoints), "only reward chains open by points"
        return self.chain.opening


def with_point(draft: RewardChainDraft, point: Item | None) -> ChainDraft:
    """A new chain, counting a value point; None: the SKU that was given is none."""
    if point is None:
        fault = Fault("value_point.sku", f"there is no value point {draft.value_point}")
        return replace(draft.chain, faults=(fault,))
    opening = replace(draft.opening, value_point_id=point.item_id, is_clan=point.details.is_clan)
    return replace(draft.chain, opening=opening, faults=tuple(_clan_faults(opening)))


def in_place_of(draft: RewardChainDraft, existing: Chain, sku: str | None) -> ChainDraft:
    """A chain in place of another, whose value point, with this SKU, and whose clan type stay."""
    kept = by_points(existing)
    given = replace(draft.opening, value_point_id=kept.value_point_id, is_clan=kept.is_clan)
    faults = list(_clan_faults(given))
    if draft.value_point not in (None, sku):
        faults.append(Fault("value_point.sku", f"stays what it is: {sku}"))
    if draft.says_clan_type and given.clan_type != kept.clan_type and kept.is_clan:
        faults.append(Fault("clan_type", f"stays what it is: {kept.clan_type}"))
    return replace(draft.chain, opening=replace(given, clan_type=kept.clan_type), faults=tuple(faults))


def _clan_faults(opening: ByPoints) -> Iterator[Fault]:
    given = {
        "popup_header": opening.popup_header,
        "popup_instruction": opening.popup_instruction,
        "popup_image_url": opening.popup_image_url,
        "clan_type": opening.clan_type,
    }
    for name, value in given.items():
        if not opening.is_clan and value is not None:
            yield Fault(name, "belongs to chains that count the value points of clans")
        elif opening.is_clan and value is None and name in ("popup_header", "popup_instruction"):
            yield Fault(name, "must be given for a chain of clans")
