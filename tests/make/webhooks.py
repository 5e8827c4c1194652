"""Makes projects with a webhook endpoint, and fills their outbox."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from haversack.clock import Clock
from haversack.context import Context
from haversack.projects import queries as project_queries
from haversack.projects.records import DeliveryMode, Project
from haversack.webhooks.actions import publish, save_endpoint
from haversack.webhooks.events import BackpackItemPaid
from haversack.webhooks.queries.inspector import find_delivery
from haversack.webhooks.records import Inspected, Purpose
from make.projects import make_studio
from make.receiver import Receiver

SECRET = "a secret of the game"


@dataclass(slots=True)
class Sender:
    """A project whose webhooks go to a receiver. Its clock stands still until it is moved."""

    context: Context = field(repr=False)
    project: Project

    @property
    def project_id(self) -> int:
        """The project's id."""
        return self.project.project_id

    async def publish(
        self,
        player: str = "player",
        *,
        reference: str | None = None,
        after: int | None = None,
        purpose: Purpose = Purpose.STORE,
        quantity: int = 1,
    ) -> int:
        """Publish one event in a transaction of its own and return the delivery's id."""
        db = self.context.database.session()
        async with db.begin():
            return await publish(
                db,
                self.project,
                make_event(quantity=quantity),
                purpose=purpose,
                player_key=player,
                reference=reference,
                after=after,
            )

    async def publish_many(self, count: int, *, players: int = 1) -> list[int]:
        """Publish events one after another, in turn for several players; the deliveries' ids."""
        return [await self.publish(f"player {number % players}") for number in range(count)]

    async def inspect(self, delivery_id: int) -> Inspected:
        """The delivery with everything about it."""
        found = await find_delivery(self.context.database.session(), delivery_id, project_id=self.project_id)
        assert found is not None
        return found

    async def move_clock(self, by: timedelta) -> None:
        """Move the project's clock on."""
        clock = self.project.clock
        assert clock.frozen_at is not None
        await self.set_clock(Clock(offset=clock.offset, frozen_at=clock.frozen_at + by))

    async def set_clock(self, clock: Clock) -> None:
        """Set the project's clock."""
        db = self.context.database.session()
        await project_queries.set_clock(db, self.project_id, clock)
        await self._reload()

    async def set_mode(self, mode: DeliveryMode) -> None:
        """Choose how the project's webhooks are retried and ordered."""
        await project_queries.save_settings(self.context.database.session(), self.project_id, delivery_mode=mode)
        await self._reload()

    async def set_endpoint(
        self,
        url: str,
        *,
        secret: str = SECRET,
        is_enabled: bool = True,
        purpose: Purpose = Purpose.STORE,
        version: int | None = None,
    ) -> None:
        """Set where the project's webhooks go."""
        await save_endpoint(
            self.context,
            self.context.database.session(),
            self.project,
            purpose=purpose,
            url=url,
            secret=secret,
            is_enabled=is_enabled,
            version=version,
        )

    async def _reload(self) -> None:
        found = await project_queries.find_project(self.context.database.session(), self.project_id)
        assert found is not None
        self.project = found


def make_event(*, quantity: int = 1) -> BackpackItemPaid:
    """An event with a payload of its own."""
    item_id = uuid4()
    return BackpackItemPaid(
        item_id=item_id,
        order_id=item_id.int % 1_000_000_007,
        item_sku="booster-1",
        is_currency=False,
        quantity=quantity,
        user_game_id="player-17",
    )


async def make_sender(
    context: Context, receiver: Receiver | None = None, *, mode: DeliveryMode = DeliveryMode.XSOLLA
) -> Sender:
    """A fresh project with a frozen clock, sending to the receiver if one is given."""
    studio = await make_studio(context)
    project = await project_queries.find_project(context.database.session(), studio.project_id)
    assert project is not None
    sender = Sender(context, project)
    await sender.set_clock(Clock(frozen_at=project.clock.now().replace(microsecond=0)))
    if mode is not DeliveryMode.XSOLLA:
        await sender.set_mode(mode)
    if receiver is not None:
        await sender.set_endpoint(receiver.url)
    return sender
