"""What tells open sockets that an order has moved: those of this process at once, those of others by NOTIFY.

A NOTIFY inside an order's transaction would cost it almost half of its rate, so changes are gathered here after their
commits and sent in batches by a task of the process, on a connection of their own.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from haversack.database.engine import Database, DatabaseAway, Session
from haversack.database.notifications import Notifications, notify
from haversack.http.calls import Call
from haversack.orders.records import Order, OrderState

if TYPE_CHECKING:
    from haversack.context import Context

log = logging.getLogger("haversack.orders")

ORDERS_MOVED = "orders"
# Between two batches. The first change after a pause is sent at once.
BATCH_SECONDS = 0.02
# PostgreSQL takes 7,999 bytes; the topic and the origin stand before the changes.
PAYLOAD_BYTES_MAX = 7_900
# Where the database is away for longer than this many changes, the others are told to look for themselves.
UNSENT_MAX = 20_000
RETRY_SECONDS = 1.0
LOOK_AGAIN = "*"

# What the process that holds a database tells its changes with.
_of_database: "WeakKeyDictionary[Database, OrderChanges]" = WeakKeyDictionary()


class OrderChange(NamedTuple):
    """An order of a player that has come to a state."""

    project_id: int
    player_id: UUID
    order_id: int
    state: OrderState

    @classmethod
    def of(cls, order: Order) -> "OrderChange":
        """The order as it stands."""
        return cls(order.project_id, order.player_id, order.order_id, order.state)


def note_order(place: "Call | Context", project_id: int, player_id: UUID, order_id: int, state: OrderState) -> None:
    """Tell the player's open sockets of an order's new state. To be called after the commit that moved it, on the
    process's event loop; it waits for nothing and never fails."""
    context = place.context if isinstance(place, Call) else place
    context.order_changes.note(OrderChange(project_id, player_id, order_id, state))


def tell_with_commit(db: Session, change: OrderChange) -> None:
    """Tell the player's open sockets of an order's new state once the caller's transaction has committed, and never if
    it does not; at once outside of one.

    A process that dies in between says nothing: sockets look for themselves at each ping.
    """
    changes = _of_database.get(db.database)
    if changes is None:
        return  # a database without a process around it, as tools open one
    if db.in_transaction:
        db.after_commit(lambda: changes.note(change))
    else:
        changes.note(change)


class OrderChanges:
    """The changes of orders that one process makes and hears of."""

    def __init__(self, database: Database, notifications: Notifications) -> None:
        self._database = database
        _of_database[database] = self
        # So that a process does not read its own batches.
        self._origin = secrets.token_hex(4)
        self._listeners: list[tuple[Callable[[OrderChange], None], Callable[[], None]]] = []
        self._unsent: deque[OrderChange] = deque()
        self._has_dropped = False
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        notifications.subscribe(ORDERS_MOVED, self._hear)

    def listen(self, hear: Callable[[OrderChange], None], look_again: Callable[[], None]) -> None:
        """Call `hear` for each change of any process, perhaps twice and not always in order; `look_again` where
        changes may have been missed."""
        self._listeners.append((hear, look_again))

    def note(self, change: OrderChange) -> None:
        """Tell of a change that was committed."""
        self._tell(change)
        if len(self._unsent) >= UNSENT_MAX:
            self._unsent.clear()
            self._has_dropped = True
        self._unsent.append(change)
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="changes of orders")

    async def close(self) -> None:
        """Send what is left, once."""
        self._closing.set()
        self._wake.set()
        if self._task is not None:
            await self._task

    def _tell(self, change: OrderChange) -> None:
        for hear, _ in self._listeners:
            hear(change)

    def _hear(self, key: str) -> None:
        origin, _, payload = key.partition(" ")
        if origin == self._origin:
            return
        if not key or payload == LOOK_AGAIN:
            for _, look_again in self._listeners:
                look_again()
            return
        for text in payload.split(","):
            self._tell(_read(text))

    async def _run(self) -> None:
        """Send batches until closed."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while self._unsent or self._has_dropped:
                    await self._send()
                pause = BATCH_SECONDS
            except DatabaseAway as error:
                log.warning("changes of orders wait to be told to other processes: %s", error)
                self._wake.set()
                pause = RETRY_SECONDS
            except Exception:
                # Nothing would start the task again, and no other process would hear of an order any more.
                log.exception("changes of orders wait to be told to other processes")
                self._wake.set()
                pause = RETRY_SECONDS
            if self._closing.is_set():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()

    async def _send(self) -> None:
        """Send as many changes as one NOTIFY carries; they are kept where it fails."""
        # Noted before it is sent: more may be dropped meanwhile.
        had_dropped, self._has_dropped = self._has_dropped, False
        payload, count = (LOOK_AGAIN, 0) if had_dropped else self._payload()
        try:
            await notify(self._database.session(), ORDERS_MOVED, f"{self._origin} {payload}")
        except BaseException:
            self._has_dropped = self._has_dropped or had_dropped
            raise
        for _ in range(min(count, len(self._unsent))):
            self._unsent.popleft()

    def _payload(self) -> tuple[str, int]:
        texts: list[str] = []
        length = 0
        for change in self._unsent:
            text = _written(change)
            length += len(text) + 1
            if length > PAYLOAD_BYTES_MAX:
                break
            texts.append(text)
        return ",".join(texts), len(texts)


def _written(change: OrderChange) -> str:
    return f"{change.project_id}/{change.player_id.hex}/{change.order_id}/{change.state}"


def _read(text: str) -> OrderChange:
    project_id, player_id, order_id, state = text.split("/")
    return OrderChange(int(project_id), UUID(hex=player_id), int(order_id), OrderState(state))
