"""What limits allow. Pure: the time and what was used are parameters."""

from datetime import datetime

from haversack.catalog.records import ItemLimits
from haversack.limits.records import Uses, Window
from haversack.limits.schedule import window_of


def item_window(limits: ItemLimits, now: datetime, *, reset_at: datetime | None) -> Window:
    """The window in which a player's uses of an item count. A reset by hand begins one before the schedule does."""
    return since_reset(window_of(limits.schedule, now), now, reset_at=reset_at)


def since_reset(window: Window, now: datetime, *, reset_at: datetime | None) -> Window:
    """The rest of a window after a reset by hand in it."""
    if reset_at is not None and window.start < reset_at <= now:
        return Window(reset_at, window.next)
    return window


def used_in(uses: Uses | None, window: Window) -> int:
    """How much of a limit is used in a window; what was used before it does not count."""
    return uses.used if uses is not None and uses.window_start >= window.start else 0


def available_to_player(limits: ItemLimits, uses: Uses | None, window: Window) -> int:
    """How many more a player may have in the window. Only for items with a limit for each player."""
    assert limits.per_user is not None
    return max(0, limits.per_user - used_in(uses, window))


def is_used_up_for_player(limits: ItemLimits | None, uses: Uses | None, window: Window) -> bool:
    """Whether a player's limit leaves nothing."""
    return limits is not None and limits.per_user is not None and available_to_player(limits, uses, window) == 0


def is_hidden_by_player_limit(limits: ItemLimits | None, uses: Uses | None, window: Window) -> bool:
    """Whether an item whose limit a player has used up is left out of the catalog.

    Without a schedule it never comes back, so it is always left out; with one it stays unless it is to be hidden.
    """
    if not is_used_up_for_player(limits, uses, window):
        return False
    assert limits is not None
    return limits.schedule is None or limits.limit_exceeded_visibility == "hide"
