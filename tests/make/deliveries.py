"""Makes deliverers whose outcomes a test can watch."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from haversack.context import Context
from haversack.database.engine import Session
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.outcomes import Outcomes
from haversack.webhooks.records import SettledDelivery

# Works everything that is due in the senders' projects.
Drain = Callable[..., Awaitable[None]]


@dataclass(slots=True)
class Told:
    """Remembers the outcomes of deliveries whose reference begins with `test:`; may be told to fail."""

    settled: list[SettledDelivery] = field(default_factory=list)
    fails_for: set[str | None] = field(default_factory=set)

    async def __call__(self, db: Session, delivery: SettledDelivery) -> None:
        assert db.in_transaction
        if delivery.reference in self.fails_for:
            raise RuntimeError("this outcome cannot be taken in")
        self.settled.append(delivery)


def make_deliverer(context: Context, told: Told, *, lease_seconds: float = 10.0) -> Deliverer:
    """A deliverer that tells `told` of what is settled."""
    return Deliverer(
        settings=context.settings,
        database=context.database,
        sealer=context.sealer,
        outbound=context.outbound,
        outcomes=Outcomes({"test": told}),
        lease_seconds=lease_seconds,
    )
