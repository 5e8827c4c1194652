"""How a day of a daily chain stands with a player."""

from dataclasses import dataclass
from datetime import datetime

from haversack.chains.records import Step, StepState


@dataclass(frozen=True, slots=True)
class Day:
    """A step, how it stands, and when it opens or has opened."""

    step: Step
    state: StepState
    unlocked_at: datetime
