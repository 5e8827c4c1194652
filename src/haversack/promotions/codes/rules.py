"""What codes look like, and why one opens nothing. Pure: the randomness is a parameter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from haversack.errors import Fault
from haversack.personalization.records import Attributes
from haversack.personalization.rules import meets_all
from haversack.promotions.records import Promotion, UserAttributes
from haversack.promotions.rules import is_in_period

CODE_PATTERN = r"^[a-zA-Z0-9]+$"
CODE_LENGTH_MAX = 128
# Generated codes are read from paper and typed on consoles: capitals and digits without 0, 1, I and O, which look like
# each other. 32 signs are 5 bits each, so that 13 of them have 65 bits.
ALPHABET = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
GENERATED_LENGTH = 13

_SIGN_OF_BYTE = bytes(ALPHABET[byte % len(ALPHABET)] for byte in range(256))


class CodeFault(Enum):
    """Why a code opens nothing. UNKNOWN is told of whatever must not be told apart from a code that does not exist."""

    UNKNOWN = auto()
    EXPIRED = auto()


def codes_of(randomness: bytes) -> Iterator[str]:
    """The codes that random bytes make, one for each GENERATED_LENGTH of them."""
    signs = randomness.translate(_SIGN_OF_BYTE).decode()
    for start in range(0, len(signs) - GENERATED_LENGTH + 1, GENERATED_LENGTH):
        yield signs[start : start + GENERATED_LENGTH]


def fault_of(promotion: Promotion, attributes: Attributes | None, *, now: datetime) -> CodeFault | None:
    """Why a code of a promotion opens nothing at a time for a player with these attributes; None where it does.

    One that has not begun, or begins again later, is as unknown as one that is switched off: nobody shall find
    codes ahead of their time.
    """
    if not promotion.is_enabled:
        return CodeFault.UNKNOWN
    if not is_in_period(promotion.periods, now):
        is_over = all(period.ends_at is not None and period.ends_at <= now for period in promotion.periods)
        return CodeFault.EXPIRED if is_over else CodeFault.UNKNOWN
    for condition in promotion.conditions:
        if isinstance(condition, UserAttributes) and not meets_all(condition.conditions, attributes):
            return CodeFault.UNKNOWN
    return None


@dataclass(frozen=True, slots=True)
class Unit:
    """A game among the rewards: its keys, one of which is given for it (SKUs)."""

    sku: str
    keys: tuple[str, ...]


def choose_keys(units: Sequence[Unit], chosen: Mapping[str, str]) -> tuple[dict[str, str], list[Fault]]:
    """The key that is given for each game, by SKU, and what is wrong with the player's choice.

    A game with one key needs no choice. What is chosen beside the games of the reward is ignored.
    """
    keys: dict[str, str] = {}
    faults: list[Fault] = []
    for unit in units:
        key = chosen.get(unit.sku)
        if key is None and len(unit.keys) == 1:
            key = unit.keys[0]
        if key in unit.keys:
            keys[unit.sku] = key
        else:
            faults.append(Fault(f"selected_unit_items.{unit.sku}", f"must be one of {', '.join(unit.keys) or 'none'}"))
    return keys, faults
