"""Names the operations of a family, which a loop declares for each of its kinds."""

from collections.abc import Callable
from typing import Any


def named(function: Callable[..., Any], name: str, sentence: str, **types: Any) -> Callable[..., Any]:
    """The function under an operation's name, with the types that the kind has."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = sentence
    function.__annotations__.update(types)
    return function
