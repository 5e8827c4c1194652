"""What a benchmark reports, and how two sides are measured in turn so that noise hits both."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median

Sample = dict[str, float]
Measure = Callable[[], Awaitable[Sample]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    value: the median of the rounds, in `unit`.
    spread: the least and the greatest round, where there were rounds.
    ratio: this figure by that of `ratio_to`, the median of the rounds' own ratios.
    wanted: what the project promises, in words; verdict: whether it holds, None where nothing is promised.
    """

    name: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
    ratio: float | None = None
    ratio_to: str = ""
    wanted: str = ""
    verdict: bool | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over the rounds, in their order."""

    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest round."""
        return min(self.values), max(self.values)

    def ratio(self, other: "Series") -> float:
        """The median of this by the other, round by round: what slows a round slows both sides of it."""
        return median(mine / theirs for mine, theirs in zip(self.values, other.values, strict=True))

    def figure(
        self,
        name: str,
        unit: str,
        *,
        to: "Series | None" = None,
        to_name: str = "",
        wanted: str = "",
        verdict: bool | None = None,
    ) -> Figure:
        """The series as a figure, by the series `to` where one is given."""
        return Figure(
            name=name,
            value=self.middle,
            unit=unit,
            spread=self.spread,
            ratio=None if to is None else self.ratio(to),
            ratio_to=to_name,
            wanted=wanted,
            verdict=verdict,
        )


async def interleave(sides: Mapping[str, Measure], *, rounds: int) -> dict[str, dict[str, Series]]:
    """Measure the sides in turn, forwards and backwards (A B B A …), after one round that does not count.

    Returns the series of each side's quantities, by side and by the name its measure gave.
    """
    for measure in sides.values():
        await measure()
    samples: dict[str, list[Sample]] = {side: [] for side in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(sides)[::-1]
        for side in order:
            samples[side].append(await sides[side]())
    return {
        side: {name: Series(tuple(sample[name] for sample in taken)) for name in taken[0]}
        for side, taken in samples.items()
    }
