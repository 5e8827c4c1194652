"""What one process tells the others: `NOTIFY` on rare writes, so that their caches forget what has changed.

A process whose listening connection is lost cannot know what it missed: its caches are dropped and stay off until it
listens again.
"""

import asyncio
import logging
from collections.abc import Callable

import asyncpg
from sqlalchemy import bindparam, func, select

from haversack.database.engine import Session

log = logging.getLogger("haversack.notifications")

CHANNEL = "haversack"
RETRY_SECONDS = 1.0
NOTIFY = select(func.pg_notify(CHANNEL, bindparam("payload")))

Forget = Callable[[str], None]


async def notify(db: Session, topic: str, key: str = "") -> None:
    """Tell every process, when the transaction commits, that `key` of `topic` has changed."""
    await db.execute(NOTIFY, payload=f"{topic}:{key}")


class Notifications:
    """Listens for one process and calls `forget(key)` of each topic; `forget("")` means everything."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._topics: dict[str, list[Forget]] = {}
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @property
    def is_listening(self) -> bool:
        """Whether caches may be trusted."""
        return self._listening.is_set()

    def subscribe(self, topic: str, forget: Forget) -> None:
        """Call `forget` for each notification of a topic, and when notifications may have been missed."""
        self._topics.setdefault(topic, []).append(forget)

    def publish_locally(self, topic: str, key: str = "") -> None:
        """Forget at once in this process, without waiting for the notification's round trip."""
        for forget in self._topics.get(topic, ()):
            forget(key)

    async def start(self) -> None:
        """Listen in the background; reconnects until stopped."""
        self._task = asyncio.create_task(self._run(), name="notifications")

    async def wait_until_listening(self, timeout_seconds: float) -> bool:
        """Whether the process listens within the time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._listening.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self._listen_until_lost()
            except (
                OSError,
                TimeoutError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
            ) as error:
                log.warning("not listening for changes of other processes: %s", error)
            finally:
                self._listening.clear()
                self._forget_everything()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen_until_lost(self) -> None:
        connection = await asyncpg.connect(
            self._url, timeout=5, server_settings={"application_name": "haversack-listen"}
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._received)
            self._forget_everything()  # what changed while nobody listened
            self._listening.set()
            await lost.wait()
        finally:
            connection.terminate()

    def _received(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        topic, _, key = str(payload).partition(":")
        self.publish_locally(topic, key)

    def _forget_everything(self) -> None:
        for topic in self._topics:
            self.publish_locally(topic)
