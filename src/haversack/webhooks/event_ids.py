"""Ids of events, which receivers see as `webhook-id` and tell repeats by."""

import secrets

from haversack.clock import real_now


def new_event_id() -> str:
    """A new id, without a dot. It begins with the time, so that ids made one after another lie together in an index."""
    milliseconds = int(real_now().timestamp() * 1000)
    return f"evt_{milliseconds:012x}{secrets.token_hex(10)}"
