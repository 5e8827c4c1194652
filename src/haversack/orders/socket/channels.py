"""The channels of one process: who listens to a player's orders, and what they were told."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from haversack.database.engine import Database, DatabaseAway
from haversack.orders.changes import OrderChange, OrderChanges
from haversack.orders.records import OrderState
from haversack.orders.socket.queries import list_tracked
from haversack.orders.socket.rules import (
    OPEN_STATES,
    PROGRESS,
    Publication,
    TrackedOrder,
    channel_name,
    publications_of,
)

log = logging.getLogger("haversack.orders")

# A client that comes is told what has happened for so long: its order may have been paid while it was away. Longer
# than any client waits on one socket.
TOLD_AGAIN = timedelta(minutes=10)
LISTENERS_OF_PLAYER_MAX = 16
LISTENERS_MAX = 20_000
# Orders of which a channel remembers how far they have come.
REMEMBERED_MAX = 128
RETRY_SECONDS = 1.0

Key = tuple[int, UUID]


class Listener(Protocol):
    """Who hears a channel."""

    def hear(self, channel: "Channel", publication: Publication) -> None:
        """An order has moved. Must not wait."""
        ...


class TooManyListeners(Exception):
    """The player, or the process, has as many sockets as it may have."""


class Channel:
    """What the sockets of one player in one project hear."""

    __slots__ = ("_early", "_known", "_since", "key", "listeners", "name", "offset")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.name = channel_name(*key)
        self.offset = 0
        # What moved after this is told; None: the orders were not read yet.
        self._since: datetime | None = None
        self.listeners: set[Listener] = set()
        self._known: dict[int, Publication] = {}
        # What was heard of before the orders were read.
        self._early: list[tuple[int, OrderState]] = []

    def learn(self, order_id: int, state: OrderState) -> None:
        """Tell the listeners of a change, unless they know of it or of a later one."""
        if self._since is None:
            self._early.append((order_id, state))
            return
        known = self._known.get(order_id)
        reached = 0 if known is None else PROGRESS[known.state]
        if PROGRESS[state] <= reached:
            return
        self.offset += PROGRESS[state] - reached
        publication = Publication(order_id, state, self.offset)
        self._remember(publication)
        for listener in tuple(self.listeners):
            listener.hear(self, publication)

    def begin(self, tracked: list[TrackedOrder], offset: int, *, since: datetime) -> None:
        """Remember how the orders stand, as they were read, and tell what was heard of meanwhile."""
        if self._since is not None:
            self.catch_up(tracked, offset)
            return
        self._since, self.offset = since, offset
        latest = {each.order_id: each for each in publications_of(tracked, offset)}
        for order in tracked:
            if order.state in OPEN_STATES or order.moved_at >= since:
                self._remember(latest[order.order_id])
        early, self._early = self._early, []
        for order_id, state in early:
            self.learn(order_id, state)

    def catch_up(self, tracked: list[TrackedOrder], offset: int) -> None:
        """Tell what nobody told of, from the orders as they were just read."""
        if self._since is None:
            return
        for order in sorted(tracked, key=lambda each: (each.moved_at, each.order_id)):
            if order.order_id in self._known or order.moved_at >= self._since:
                self.learn(order.order_id, order.state)
        self.offset = max(self.offset, offset)

    def lately(self, tracked: list[TrackedOrder], *, since: datetime) -> list[Publication]:
        """How the orders stand that have moved since, or while they were read, in the order of their moves."""
        still = {order.order_id: order.state for order in tracked if order.moved_at < since}
        told = [each for each in self._known.values() if still.get(each.order_id) is not each.state]
        return sorted(told, key=lambda each: each.offset)

    def history(self, tracked: list[TrackedOrder], offset: int) -> list[Publication]:
        """Everything the channel can tell, oldest first."""
        return publications_of(tracked, max(self.offset, offset))

    def _remember(self, publication: Publication) -> None:
        self._known.pop(publication.order_id, None)
        self._known[publication.order_id] = publication
        if len(self._known) > REMEMBERED_MAX:
            del self._known[next(iter(self._known))]


class OrderChannels:
    """The channels that somebody of this process listens to."""

    def __init__(self, database: Database, changes: OrderChanges) -> None:
        self._database = database
        self._channels: dict[Key, Channel] = {}
        self._count = 0
        self._looking: asyncio.Task[None] | None = None
        self._must_look = False
        changes.listen(self._hear, self._look_again)

    @property
    def listening(self) -> int:
        """How many sockets listen."""
        return self._count

    async def join(self, listener: Listener, key: Key, *, now: datetime) -> tuple[Channel, list[Publication]]:
        """Let a listener hear a channel from now on; the channel, and how the orders stand that have moved lately.

        Changes of the meantime are both heard and in the list. Raises TooManyListeners, or DatabaseAway: then the
        listener hears nothing.
        """
        channel = self._channels.get(key)
        of_player = 0 if channel is None else len(channel.listeners)
        if of_player >= LISTENERS_OF_PLAYER_MAX or self._count >= LISTENERS_MAX:
            raise TooManyListeners
        if channel is None:
            channel = self._channels[key] = Channel(key)
        channel.listeners.add(listener)
        self._count += 1
        try:
            # After it listens, so that nothing falls between.
            tracked, offset = await list_tracked(self._database.session(), *key)
        except BaseException:
            self.leave(listener, channel)
            raise
        since = now - TOLD_AGAIN
        channel.begin(tracked, offset, since=since)
        return channel, channel.lately(tracked, since=since)

    def leave(self, listener: Listener, channel: Channel) -> None:
        """Let a listener hear a channel no longer."""
        if listener not in channel.listeners:
            return
        channel.listeners.remove(listener)
        self._count -= 1
        if not channel.listeners:
            self._channels.pop(channel.key, None)

    async def history(self, channel: Channel) -> tuple[list[Publication], int]:
        """What a channel can tell, oldest first, and its offset; DatabaseAway where the orders cannot be read."""
        tracked, offset = await list_tracked(self._database.session(), *channel.key)
        return channel.history(tracked, offset), max(channel.offset, offset)

    async def look_for_missed(self, channel: Channel) -> None:
        """Tell a channel's listeners what nobody told of: a process died between its commit and its word. DatabaseAway
        where the orders cannot be read."""
        channel.catch_up(*await list_tracked(self._database.session(), *channel.key))

    async def close(self) -> None:
        """Stop looking for what was missed."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _hear(self, change: OrderChange) -> None:
        channel = self._channels.get((change.project_id, change.player_id))
        if channel is not None:
            channel.learn(change.order_id, change.state)

    def _look_again(self) -> None:
        """Read the orders of every channel: changes of other processes may have been missed."""
        if not self._channels:
            return
        self._must_look = True
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="orders of open sockets")

    async def _look(self) -> None:
        try:
            while self._must_look:
                self._must_look = False
                for channel in list(self._channels.values()):
                    try:
                        await self.look_for_missed(channel)
                    except DatabaseAway:
                        self._must_look = True
                        await asyncio.sleep(RETRY_SECONDS)
                        break
        except Exception:
            log.exception("the orders of open sockets could not be read")
        finally:
            # Here, with no await since it was last asked whether to look, and not when the task has ended: who wants
            # a look between the two would find it running and start none.
            self._looking = None
