"""Who is told when a delivery has its final result, in the very transaction that records it."""

from collections.abc import Awaitable, Callable, Mapping

from haversack.database.engine import Session
from haversack.webhooks.records import SettledDelivery

# Runs inside the transaction that records the result, so what it changes and the result stand or fall
# together. It must not call the network. It may be called for replays too, and must leave alone what is no
# longer waiting.
OutcomeHandler = Callable[[Session, SettledDelivery], Awaitable[None]]


class Outcomes:
    """Handlers by the first part of an event's reference: `backpack` handles `backpack:<item id>`."""

    def __init__(self, handlers: Mapping[str, OutcomeHandler] | None = None) -> None:
        self._handlers: dict[str, OutcomeHandler] = {}
        for prefix, handler in (handlers or {}).items():
            self.register(prefix, handler)

    def register(self, prefix: str, handler: OutcomeHandler) -> None:
        """Let a handler know of the deliveries whose reference begins with `prefix:`."""
        assert ":" not in prefix, "a prefix ends before the first colon"
        assert prefix not in self._handlers, f"{prefix!r} has a handler already"
        self._handlers[prefix] = handler

    async def settled(self, db: Session, delivery: SettledDelivery) -> None:
        """Tell the handler of the reference; LookupError where nobody handles it, which is a bug."""
        if delivery.reference is None:
            return
        prefix = delivery.reference.partition(":")[0]
        handler = self._handlers.get(prefix)
        if handler is None:
            raise LookupError(f"nobody handles the outcome of {prefix!r}: app.py must register a handler")
        await handler(db, delivery)
