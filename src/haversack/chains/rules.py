"""What chains decide: who sees them, which window runs, how their steps stand. Pure: the time is a parameter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from haversack.catalog.records import Schedule
from haversack.chains.daily import rules as daily
from haversack.chains.offer import rules as offer
from haversack.chains.records import ByDay, ByOrder, ByPoints, Chain, ChainKind, Progress, Standing, Step, StepState
from haversack.errors import CHAIN_STEP_FREE, CHAIN_STEP_NOT_OPEN, CHAIN_STEP_PAID, REWARD_CLAIMED, VALUE_POINTS_TOO_FEW
from haversack.limits.records import FOR_EVER, Window
from haversack.personalization.records import Attributes
from haversack.personalization.rules import meets_all

# -- Visibility -----------------------------------------------------------------------------------------------------


def is_running(chain: Chain, now: datetime) -> bool:
    """Whether a chain is switched on and in its time."""
    return chain.is_enabled and chain.starts_at <= now and (chain.ends_at is None or now < chain.ends_at)


def visible_chains(chains: Iterable[Chain], attributes: Attributes | None, now: datetime) -> list[Chain]:
    """Those of some chains of one kind that a player sees, in their order. attributes None: nobody is signed in.

    A chain with conditions is for those who meet them. One without is for all, or, where it is not always visible, for
    those whom no chain with conditions is for. Offer chains are all shown to who is not signed in.
    """
    running = [chain for chain in chains if is_running(chain, now)]
    shown = [chain for chain in running if chain.conditions and _is_meant(chain, attributes)]
    is_personalised = bool(shown)
    shown += [chain for chain in running if not chain.conditions and (chain.is_always_visible or not is_personalised)]
    return sorted(shown, key=order_of)


def _is_meant(chain: Chain, attributes: Attributes | None) -> bool:
    if attributes is None and chain.kind is ChainKind.OFFER:
        return True
    return meets_all(chain.conditions, attributes)


def order_of(chain: Chain) -> tuple[int, int]:
    """Where a chain stands in lists."""
    return chain.sort_order, chain.chain_id


# -- Windows --------------------------------------------------------------------------------------------------------


def chain_window(chain: Chain, now: datetime) -> Window:
    """The window in which a player's progress counts at a moment.

    Resets by the schedule happen while the chain is switched on and in its time; the first is the one after the
    schedule was written. So neither a new schedule nor a chain of a past season takes anything from anybody.
    """
    if chain.kind is ChainKind.DAILY:
        return daily.day_window(chain, now)
    if chain.schedule is None or not chain.is_enabled:
        return Window(chain.began_at, None)
    moment = now if chain.ends_at is None else min(now, chain.ends_at)
    found = offer.schedule_window(chain.schedule, chain.starts_at, moment)
    assert found.next is not None
    following = found.next if chain.ends_at is None or found.next <= chain.ends_at else None
    first = max(chain.schedule.started_at or chain.starts_at, chain.starts_at)
    if found.start < first:
        return Window(chain.began_at, following)
    return Window(max(found.start, chain.began_at), following)


def points_window(
    value_point_id: int,
    chains: Iterable[Chain],
    resets: Mapping[int, datetime],
    now: datetime,
    *,
    window_of: Callable[[Chain, datetime], Window] = chain_window,
) -> datetime:
    """Since when the balance of a value point counts: the last reset of any chain that counts it empties it for all.

    resets: those of chains that have been deleted since.
    """
    starts = [
        window_of(chain, now).start
        for chain in chains
        if isinstance(chain.opening, ByPoints) and chain.opening.value_point_id == value_point_id
    ]
    return max([*starts, resets.get(value_point_id, FOR_EVER), FOR_EVER])


def restarted(schedule: Schedule | None, starts_at: datetime, now: datetime) -> Schedule | None:
    """A chain's schedule whose first reset is the next one after now."""
    if schedule is None:
        return None
    return replace(schedule, started_at=offer.schedule_window(schedule, starts_at, now).next)


def standing_of(
    chain: Chain, progress: Progress | None, now: datetime, *, points: int = 0, clan: str | None = None
) -> Standing:
    """How a player stands with a chain; what was taken in an earlier window does not count.

    A player may be in a window of their own that began later: some chains begin anew when they are gone through.
    """
    return standing_in(chain, chain_window(chain, now), progress, now, points=points, clan=clan)


def standing_in(
    chain: Chain, window: Window, progress: Progress | None, now: datetime, *, points: int = 0, clan: str | None = None
) -> Standing:
    """The same for who knows the chain's window of now already."""
    if progress is None or progress.window_start < window.start:
        progress = Progress(window.start)
    match chain.opening:
        case ByDay():
            progress = daily.with_own_round(chain, progress, now)
        case ByOrder():
            progress = offer.with_own_round(chain, progress)
        case ByPoints():
            pass
    return Standing(window, progress, points, clan)


# -- Steps ----------------------------------------------------------------------------------------------------------


def step_state(chain: Chain, step: Step, standing: Standing, now: datetime) -> StepState:
    """How a step stands for a player."""
    if step.step_id in standing.progress.claimed:
        return StepState.CLAIMED
    match chain.opening:
        case ByPoints():
            is_open = _opens(chain.opening, step, standing)
            return StepState.CLAIMABLE if is_open else StepState.IN_FUTURE
        case ByDay():
            return next(day.state for day in daily.days_of(chain, standing.progress, now) if day.step == step)
        case ByOrder():
            return StepState.CLAIMABLE if step == offer.next_step(chain, standing.progress) else StepState.IN_FUTURE


def _opens(opening: ByPoints, step: Step, standing: Standing) -> bool:
    """Whether the points suffice for a step. Who is in no clan has none of a clan's steps, not even for 0 points."""
    return standing.points >= step.points and not (opening.is_clan and standing.clan is None)


def check_claim(chain: Chain, step: Step, standing: Standing, now: datetime) -> None:
    """Refuse to give a step that is taken or not open yet, as the chain's kind says it."""
    state = step_state(chain, step, standing, now)
    if state is StepState.CLAIMABLE:
        if not step.is_free:
            raise CHAIN_STEP_PAID()
        return
    _refuse(chain, state)


def check_order(chain: Chain, step: Step, standing: Standing, now: datetime) -> None:
    """Refuse to let a step be paid that is taken, not open yet or free."""
    state = step_state(chain, step, standing, now)
    if state is not StepState.CLAIMABLE:
        _refuse(chain, state)
    if step.is_free:
        raise CHAIN_STEP_FREE()


def _refuse(chain: Chain, state: StepState) -> NoReturn:
    if state is StepState.CLAIMED:
        raise REWARD_CLAIMED()
    raise VALUE_POINTS_TOO_FEW() if chain.kind is ChainKind.REWARD else CHAIN_STEP_NOT_OPEN()


def rewards_for(step: Step, attributes: Attributes | None) -> list[tuple[int, int]]:
    """Items (ids) with their quantities that a step gives to a player of these attributes."""
    return [(reward.item_id, reward.quantity) for reward in step.rewards if meets_all(reward.conditions, attributes)]


def claimable_steps(chain: Chain, standing: Standing, now: datetime) -> Sequence[Step]:
    """The steps that a player could take now: what `step_state` says of each, reckoned for all of them together."""
    match chain.opening:
        case ByPoints():
            claimed = standing.progress.claimed
            return [
                step for step in chain.steps if step.step_id not in claimed and _opens(chain.opening, step, standing)
            ]
        case ByDay():
            following = daily.open_step(chain, standing.progress, now)
        case ByOrder():
            following = offer.next_step(chain, standing.progress)
    return [] if following is None else [following]
