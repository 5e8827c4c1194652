"""What tokens say of their player, read as attributes."""

from collections.abc import Mapping
from typing import Any

ATTRIBUTES_MAX = 100
ATTRIBUTE_LENGTH_MAX = 255


def readable_attributes(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a token says of its player, as attributes are kept: text by name. What is neither text, number nor truth
    value is passed over, and so are names and values that are too long."""
    found = ((name, text_of(value)) for name, value in list(told.items())[:ATTRIBUTES_MAX])
    return tuple(
        (name, text)
        for name, text in found
        if text is not None and 1 <= len(name) <= ATTRIBUTE_LENGTH_MAX and len(text) <= ATTRIBUTE_LENGTH_MAX
    )


def text_of(value: Any) -> str | None:
    """A value as Login keeps it; None for what is no value of an attribute."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
        case _:
            return None
