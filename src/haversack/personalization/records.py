"""Conditions on the attributes of a player, the rules that show items to those who meet them, and what a game says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# Attribute -> its value as text, as Login keeps it; None: nobody is signed in.
Attributes = Mapping[str, str]


class AttributeType(StrEnum):
    """How a condition reads the attribute's text."""

    STRING = "string"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeCondition:
    """A comparison with one attribute. `can_be_missing`: who lacks the attribute meets it."""

    attribute: str
    type: AttributeType
    operator: str
    value: str
    can_be_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRule:
    """Items that are shown to those who meet all conditions. An item in several rules needs one of them."""

    project_id: int
    rule_id: int
    name: str
    is_enabled: bool
    conditions: tuple[AttributeCondition, ...]
    item_ids: tuple[int, ...]
    is_satisfied_for_unauth: bool


@dataclass(frozen=True, slots=True)
class PartnerItem:
    """An item as the game offers it to a player. quantity: how many may be bought, 0: it is shown and cannot be bought,
    None: any number; from `date_from` on and before `date_until`, where they are given."""

    quantity: int | None = None
    date_from: datetime | None = None
    date_until: datetime | None = None

    def is_offered(self, now: datetime) -> bool:
        """Whether it is offered at a moment."""
        if self.date_from is not None and now < self.date_from:
            return False
        return self.date_until is None or now < self.date_until


class PartnerSource(StrEnum):
    """Where the answer about a player comes from."""

    ANSWERED = "answered"  # the game has said so, seconds ago at the longest
    GUESTS = "guests"  # the game does not know the player, who sees what it shows to those who are not signed in
    REMEMBERED = "remembered"  # the game does not answer now, and has said so minutes ago
    NOTHING = "nothing"  # the game does not answer: nothing is shown


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, weakref_slot=True)
class PartnerAnswer:
    """The items that the game offers to a player: the others are hidden. It names them by SKU or by id.

    The same answer is one object for as long as it is remembered, so that what is made of it can be kept by it.
    problem: why the game has not said so just now; faults: the entries of its list that nobody can read, left out.
    """

    source: PartnerSource
    by_sku: Mapping[str, PartnerItem] = field(default_factory=dict)
    by_id: Mapping[int, PartnerItem] = field(default_factory=dict)
    problem: str = ""
    faults: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.by_sku) + len(self.by_id)
