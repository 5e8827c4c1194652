"""Why nobody took a step: the first thing that stands in the way of it."""

from haversack.chains.daily.rules import days_of
from haversack.chains.records import ByDay, ByOrder, ByPoints, Chain, DailyType, Progress, Step, StepState
from haversack.chains.rules import is_running
from haversack.rehearsal.records import Tally
from haversack.rehearsal.season import Season, is_earnable


def why_dead(season: Season, chain: Chain, step: Step, tally: Tally) -> str | None:
    """Why a step was taken by nobody; None where somebody took it."""
    key = (chain.chain_id, step.step_id)
    if tally.claims[key]:
        return None
    reached = tally.reached[key]
    if reached:
        refused = [(-times, why) for (*where, why), times in tally.refused_steps.items() if tuple(where) == key]
        if refused:
            return f"It was open to {_players(reached)}, and cannot be sold: {min(refused)[1]}"
        return f"It was open to {_players(reached)}, and none of them took it."
    return _why_chain(season, chain, tally) or _why_step(season, chain, step, tally)


def _why_chain(season: Season, chain: Chain, tally: Tally) -> str | None:
    if not chain.is_enabled:
        return "The chain is switched off."
    if chain.ends_at is not None and chain.ends_at <= season.start:
        return "The chain is over before the first day."
    if chain.starts_at >= season.ends_at:
        return "The chain begins after the last day."
    if not tally.seen[chain.chain_id]:
        return "Nobody sees the chain: no player met its conditions, or others are shown in its place."
    return None


def _why_step(season: Season, chain: Chain, step: Step, tally: Tally) -> str:
    furthest = max((number for each, number in tally.furthest if each == chain.chain_id), default=0)
    match chain.opening:
        case ByPoints() if not is_earnable(season, chain):
            return "Nothing that is sold comes with the value point that it counts."
        case ByPoints():
            most = tally.most_points.get(chain.chain_id, 0)
            if most >= step.points:
                return "Enough points came, to players who did not come again."
            return f"It opens at {step.points} points; the most that there were in a window is {most}."
        case ByDay(type=DailyType.CALENDAR_HARD):
            if _day_comes(season, chain, step):
                return "Nobody came on its day."
            return "Its day is not among these days."
        case ByDay() | ByOrder():
            if furthest == 0:
                return "Nobody took the first step."
            return f"Nobody came further than step {furthest}."


def _day_comes(season: Season, chain: Chain, step: Step) -> bool:
    return any(
        day.step == step and day.state is StepState.CLAIMABLE
        for stops in season.by_day
        for stop in stops
        if is_running(chain, stop.now)
        for day in days_of(chain, Progress(season.window_of(chain, stop).start), stop.now)
    )


def _players(count: int) -> str:
    return "1 player" if count == 1 else f"{count} players"
