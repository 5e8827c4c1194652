"""How deep JSON that comes from outside may be nested.

What is kept of it goes out again inside of events, answers and files, and orjson writes 254 levels at most; it reads
1,024, at which Python's own functions fail. Nothing on the wire has ten.
"""

from typing import Any

DEPTH_MAX = 64


def is_too_deep(value: Any) -> bool:
    """Whether arrays and objects stand in each other over more levels than `DEPTH_MAX`."""
    inner = [value]
    for _ in range(DEPTH_MAX):
        inner = [
            each
            for outer in inner
            for each in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(each, dict | list)
        ]
        if not inner:
            return False
    return True
