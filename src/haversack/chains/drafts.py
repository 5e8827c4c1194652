"""What a writer says of a chain before the project is asked, items by SKU: what is wrong with it, what it makes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from haversack.catalog.items.drafts import KnownItem
from haversack.catalog.records import ItemKind, Schedule
from haversack.chains.records import Chain, Opening, Reward, Step
from haversack.chains.rules import chain_window, restarted
from haversack.errors import Fault
from haversack.limits.records import FOR_EVER
from haversack.personalization.records import AttributeCondition
from haversack.text import Translations

# What steps give.
REWARD_KINDS = (
    ItemKind.VIRTUAL_GOOD,
    ItemKind.VIRTUAL_CURRENCY,
    ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    ItemKind.BUNDLE,
)


@dataclass(frozen=True, slots=True)
class RewardDraft:
    """An item that a step shall give. `property` is where the body names its SKU: `steps.0.items.0.sku`."""

    property: str
    sku: str
    quantity: int
    conditions: tuple[AttributeCondition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDraft:
    """A step; step_id names one that the chain has, None makes a new one. `property` is where it stands: `steps.0`."""

    property: str
    step_id: int | None = None
    number: int
    rewards: tuple[RewardDraft, ...]
    name: Translations | None = None
    image_url: str | None = None
    points: int = 0
    is_free: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainDraft:
    """A chain of any kind as a studio gives it, whole. Its schedule has no first reset yet."""

    opening: Opening
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
    # What is wrong with it by itself.
    faults: tuple[Fault, ...] = ()

    @property
    def skus(self) -> list[str]:
        """The items that its steps name."""
        return list(dict.fromkeys(reward.sku for step in self.steps for reward in step.rewards))


def draft_faults(draft: ChainDraft, known: Mapping[str, KnownItem], existing: Chain | None) -> list[Fault]:
    """What is wrong with a draft in its project; known: the items that it names, by SKU; existing: what it replaces."""
    return [*draft.faults, *_faults(draft, known, existing)]


def _faults(draft: ChainDraft, known: Mapping[str, KnownItem], existing: Chain | None) -> Iterator[Fault]:
    if draft.ends_at is not None and draft.ends_at <= draft.starts_at:
        yield Fault("date_end", "must be later than date_start")
    own = {step.step_id for step in existing.steps} if existing is not None else set()
    ids: set[int] = set()
    numbers: set[int] = set()
    for step in draft.steps:
        if step.step_id is not None and step.step_id not in own:
            yield Fault(f"{step.property}.step_id", f"the chain has no step {step.step_id}")
        elif step.step_id in ids:
            yield Fault(f"{step.property}.step_id", f"step {step.step_id} stands here twice")
        if step.number in numbers:
            yield Fault(f"{step.property}.step_number", f"there are two steps {step.number}")
        ids |= {step.step_id} if step.step_id is not None else set()
        numbers.add(step.number)
        yield from _reward_faults(step, known)
    if numbers and numbers != set(range(1, len(numbers) + 1)):
        yield Fault("steps", "the numbers of steps must be 1, 2, 3 and so on")


def _reward_faults(step: StepDraft, known: Mapping[str, KnownItem]) -> Iterator[Fault]:
    for reward in step.rewards:
        item = known.get(reward.sku)
        if item is None:
            yield Fault(reward.property, f"there is no item {reward.sku}")
        elif item.kind not in REWARD_KINDS:
            kind = item.kind.value.replace("_", " ")
            yield Fault(reward.property, f"{reward.sku} is a {kind}, which no step gives")


def chain_of(draft: ChainDraft, known: Mapping[str, KnownItem], project_id: int, *, now: datetime) -> Chain:
    """The new chain that a draft without faults makes; ids are given when it is stored."""
    return Chain(
        project_id=project_id,
        chain_id=0,
        opening=draft.opening,
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
        schedule=restarted(draft.schedule, draft.starts_at, now),
        began_at=FOR_EVER,
        steps=tuple(_step(step, known) for step in draft.steps),
        created_at=now,
        updated_at=now,
    )


def replaced(existing: Chain, new: Chain, *, now: datetime) -> Chain:
    """A chain in the place of another: players stay in the window that they are in."""
    return replace(
        new,
        chain_id=existing.chain_id,
        began_at=chain_window(existing, now).start,
        created_at=existing.created_at,
    )


def switched(existing: Chain, *, is_enabled: bool, now: datetime) -> Chain:
    """The chain switched on or off: players stay in their window, and the next reset is still to come."""
    return replace(
        existing,
        is_enabled=is_enabled,
        began_at=chain_window(existing, now).start,
        schedule=restarted(existing.schedule, existing.starts_at, now),
    )


def reset(existing: Chain, *, now: datetime) -> Chain:
    """The chain with a window that begins now. Where the clock stands still it begins a moment later than the last."""
    return replace(existing, began_at=max(now, chain_window(existing, now).start + timedelta(microseconds=1)))


def _step(draft: StepDraft, known: Mapping[str, KnownItem]) -> Step:
    return Step(
        step_id=draft.step_id or 0,
        number=draft.number,
        rewards=tuple(
            Reward(known[reward.sku].item_id, reward.quantity, reward.conditions) for reward in draft.rewards
        ),
        name=draft.name,
        image_url=draft.image_url,
        points=draft.points,
        is_free=draft.is_free,
    )
