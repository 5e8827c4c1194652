"""Questions that the game must answer before a request goes on: asked once, with a time limit of their own."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from haversack.database.engine import Database, Session
from haversack.outbound.client import OutboundClient
from haversack.projects.records import Project
from haversack.sealing import Sealer
from haversack.settings import Settings
from haversack.webhooks import rules
from haversack.webhooks.event_ids import new_event_id
from haversack.webhooks.events import Question, body_of
from haversack.webhooks.queries import outbox, results
from haversack.webhooks.queries.endpoints import find_target
from haversack.webhooks.records import DeliveryStatus, FailureReason, Purpose
from haversack.webhooks.sending import REPLY_BYTES_MAX, Sent, send_once


class Asker(Protocol):
    """What it takes to ask: the process' context, or as much of it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def sealer(self) -> Sealer: ...
    @property
    def outbound(self) -> OutboundClient: ...


@dataclass(frozen=True, slots=True)
class AskerParts:
    """The same for what is made before the context is."""

    settings: Settings
    database: Database
    sealer: Sealer
    outbound: OutboundClient


class AnswerKind(StrEnum):
    """What the game said."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # a clear no: any 4xx
    AWAY = "away"  # no answer in time, 5xx, or one that says nothing
    NO_ENDPOINT = "no_endpoint"  # there is nobody to ask


@dataclass(frozen=True, slots=True)
class Answer:
    """The game's answer. code: of its error body, where it had one; message: fit to be shown; body: cut; status: of
    the reply, where one came."""

    kind: AnswerKind
    code: str | None = None
    message: str = ""
    body: bytes = b""
    status: int | None = None


# Says what is wrong with the body of an answer that was accepted; None where nothing is.
FindFault = Callable[[bytes], str | None]


async def ask(
    context: Asker,
    project: Project,
    question: Question,
    *,
    purpose: Purpose,
    seconds_max: float | None = None,
    reply_bytes_max: int = REPLY_BYTES_MAX,
    find_fault: FindFault | None = None,
    keeps_failures_only: bool = False,
) -> Answer:
    """Ask the game and wait for its answer, at most `ask_timeout_seconds`, or less; never repeated by itself.

    Must not be called inside a transaction. The question and the reply are kept like every delivery. An answer whose
    body is faulty is none. `keeps_failures_only` is for questions that are asked for each page.
    """
    db = context.database.session()
    endpoint = await find_target(db, context.sealer, project.project_id, purpose)
    if endpoint is None or not endpoint.is_enabled:
        return Answer(AnswerKind.NO_ENDPOINT, message="The project has no webhook address set up, or it is off.")
    body = body_of(question, project, version=endpoint.version)
    event_id = new_event_id()
    sent = await send_once(
        context.outbound,
        endpoint,
        body=body,
        event_id=event_id,
        attempt_no=1,
        clock=project.clock,
        timeout_seconds=min(context.settings.ask_timeout_seconds, seconds_max or math.inf),
        reply_bytes_max=reply_bytes_max,
    )
    answer = _answer(project, sent, find_fault)
    if answer.kind is AnswerKind.ACCEPTED and keeps_failures_only:
        return answer
    await _keep(db, project, question.name, endpoint.purpose, event_id, body, sent, answer)
    return answer


def _answer(project: Project, sent: Sent, find_fault: FindFault | None) -> Answer:
    body, status = sent.reply.body, sent.reply.status
    if rules.is_success(project.delivery_mode, status):
        fault = None if find_fault is None else find_fault(body)
        if fault is not None:
            return Answer(AnswerKind.AWAY, message=fault, body=body, status=status)
        return Answer(AnswerKind.ACCEPTED, body=body, status=status)
    code, message = rules.explained(sent.reply)
    # A question gets no second chance, so in both modes every 4xx is the answer.
    is_no = status is not None and 400 <= status < 500
    return Answer(AnswerKind.REFUSED if is_no else AnswerKind.AWAY, code, message, body, status)


async def _keep(
    db: Session,
    project: Project,
    event_type: str,
    purpose: Purpose,
    event_id: str,
    body: bytes,
    sent: Sent,
    answer: Answer,
) -> None:
    is_accepted = answer.kind is AnswerKind.ACCEPTED
    reason = FailureReason.REFUSED if answer.kind is AnswerKind.REFUSED else FailureReason.EXHAUSTED
    async with db.begin():
        delivery_id = await outbox.add_delivery(
            db,
            project_id=project.project_id,
            event_id=event_id,
            event_type=event_type,
            body=body,
            player_key="",
            reference=None,
            purpose=purpose,
            now=sent.attempt.started_at,
            status=DeliveryStatus.SUCCEEDED if is_accepted else DeliveryStatus.FAILED,
            reason=None if is_accepted else reason,
            code=answer.code,
            message=answer.message,
            attempts_made=1,
        )
        await results.add_attempts(db, project.project_id, [(delivery_id, sent.attempt)])
