"""Idempotency-Key on writes: one effect and one answer, however often the request is sent.

The key, the effect and the answer are committed together (`Repeat.ATOMIC`), so a crash leaves either all or nothing.
An operation that leaves its transactions on the way (`Repeat.RESUMABLE`) is safe to repeat by itself, or keeps an
answer with the transaction that must happen once (`keep_answer`); its key keeps a second call from running beside the
first. Keys are kept for 14 days.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from sqlalchemy import Interval, LargeBinary, bindparam, delete, func, literal, null, select, update
from sqlalchemy.dialects.postgresql import insert

from haversack.database.engine import Session
from haversack.errors import Fault, Refusal
from haversack.http.area import Operation, Repeat
from haversack.http.calls import Call
from haversack.http.problems import invalid
from haversack.http.tables import idempotency_keys as keys

KEY_LENGTH_MAX = 255
KEPT = timedelta(days=14)
# Longer than any resumable operation takes: after this its process is taken to be dead.
RESUME_AFTER = timedelta(seconds=90)

_identity = (keys.c.caller == bindparam("of_caller"), keys.c.idempotency_key == bindparam("of_key"))
CLAIM = (
    insert(keys)
    .values(
        caller=bindparam("of_caller"),
        idempotency_key=bindparam("of_key"),
        operation=bindparam("operation"),
        request_hash=bindparam("request_hash", type_=LargeBinary),
        locked_until=func.now() + bindparam("lock", type_=Interval),
        created_at=func.now(),
    )
    .on_conflict_do_nothing()
    .returning(keys.c.caller)
)
FIND = select(keys).where(*_identity)
TAKE_OVER = (
    update(keys)
    .where(*_identity, keys.c.answer_status.is_(null()), keys.c.locked_until < func.now())
    .values(locked_until=func.now() + bindparam("lock", type_=Interval))
    .returning(keys.c.caller)
)
SAVE_ANSWER = (
    update(keys)
    .where(*_identity)
    .values(answer_status=bindparam("status"), answer_sealed=bindparam("answer"), locked_until=null())
)
GIVE_UP = delete(keys).where(*_identity, keys.c.answer_status.is_(null()))
PRUNE = delete(keys).where(keys.c.created_at < func.now() - literal(KEPT, Interval))


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status and the bytes of the body."""

    status: int
    body: bytes
    is_replayed: bool = False


Run = Callable[[], Awaitable[Answer]]
Render = Callable[[Refusal], Answer]


def request_hash(method: str, path: str, query: bytes, body: bytes) -> bytes:
    """What two requests with one key must have in common."""
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), query, body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def check_key(operation: Operation, key: str) -> None:
    """Refuse a key that cannot be stored."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        fault = Fault("Idempotency-Key", f"must be 1 to {KEY_LENGTH_MAX} printable ASCII characters")
        raise invalid(operation.invalid, [fault])


async def run_once(call: Call, operation: Operation, key: str, fingerprint: bytes, run: Run, render: Render) -> Answer:
    """Run the operation, or give the answer that an earlier request with this key got."""
    if operation.repeat is Repeat.RESUMABLE:
        return await _run_resumable(call, operation, key, fingerprint, run, render)
    async with call.db.begin():
        # A second request with the key waits here until the first has committed or failed.
        if not await _claim(call, operation, key, fingerprint):
            return _replay(call, operation, fingerprint, await _find(call, key))
        try:
            async with call.db.begin():
                answer = await run()
        except Refusal as refusal:
            if refusal.kind.status >= 500 or refusal.kind.status == 429:
                raise  # nothing has happened: the key stays unused
            answer = render(refusal)
        await _save(call, key, answer)
    return answer


async def _run_resumable(
    call: Call, operation: Operation, key: str, fingerprint: bytes, run: Run, render: Render
) -> Answer:
    if not await _claim(call, operation, key, fingerprint):
        found = await _find(call, key)
        if found is not None and (found["answer_status"] is not None or found["request_hash"] != fingerprint):
            return _replay(call, operation, fingerprint, found)
        taken = await call.db.fetch_one(TAKE_OVER, of_caller=call.caller_name, of_key=key, lock=RESUME_AFTER)
        if taken is None:
            raise operation.family.conflict(retry_after=1)
    try:
        answer = await run()
    except Refusal as refusal:
        if refusal.kind.status >= 500 or refusal.kind.status == 429:
            await call.db.execute(GIVE_UP, of_caller=call.caller_name, of_key=key)
            raise
        answer = render(refusal)
    except Exception:
        await call.db.execute(GIVE_UP, of_caller=call.caller_name, of_key=key)
        raise
    await _save(call, key, answer)
    return answer


async def _claim(call: Call, operation: Operation, key: str, fingerprint: bytes) -> bool:
    row = await call.db.fetch_one(
        CLAIM,
        of_caller=call.caller_name,
        of_key=key,
        operation=operation.name,
        request_hash=fingerprint,
        lock=RESUME_AFTER,
    )
    return row is not None


async def _find(call: Call, key: str) -> asyncpg.Record | None:
    return await call.db.fetch_one(FIND, of_caller=call.caller_name, of_key=key)


def _replay(call: Call, operation: Operation, fingerprint: bytes, found: asyncpg.Record | None) -> Answer:
    if found is None:
        # Pruned or given up between the two statements: the sender may simply repeat the request.
        raise operation.family.conflict(retry_after=1)
    if found["operation"] != operation.name:
        raise operation.family.key_reused(difference=f"it belongs to {found['operation']}")
    if found["request_hash"] != fingerprint:
        raise operation.family.key_reused(difference="its path, query or body differs")
    if found["answer_status"] is None:
        raise operation.family.conflict(retry_after=1)
    return Answer(found["answer_status"], call.context.sealer.open(found["answer_sealed"]), is_replayed=True)


async def _save(call: Call, key: str, answer: Answer) -> None:
    sealed = call.context.sealer.seal(answer.body)
    await call.db.execute(SAVE_ANSWER, of_caller=call.caller_name, of_key=key, status=answer.status, answer=sealed)


async def keep_answer(call: Call, answer: Answer) -> None:
    """Keep what repeats are told from now on, in the open transaction of a resumable operation: for who has done in it
    what must not be done twice, and goes on outside of it. The operation's own answer takes its place."""
    assert call.db.in_transaction, "what is kept belongs to what was done"
    if call.idempotency_key is not None:
        await _save(call, call.idempotency_key, answer)


async def prune_keys(db: Session) -> int:
    """Forget the keys that are older than 14 days."""
    return await db.execute(PRUNE)
