"""Questions that the game must answer before a request goes on: asked once, with a time limit of their own."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from haversack.database.engine import Session
from haversack.projects.records import Project
from haversack.webhooks import rules
from haversack.webhooks.event_ids import new_event_id
from haversack.webhooks.events import Question, body_of
from haversack.webhooks.queries import outbox, results
from haversack.webhooks.queries.endpoints import find_target
from haversack.webhooks.records import DeliveryStatus, FailureReason, Purpose
from haversack.webhooks.sending import Sent, send_once

if TYPE_CHECKING:
    from haversack.context import Context


class AnswerKind(StrEnum):
    """What the game said."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # a clear no: any 4xx
    AWAY = "away"  # no answer in time, 5xx, or one that says nothing
    NO_ENDPOINT = "no_endpoint"  # there is nobody to ask


@dataclass(frozen=True, slots=True)
class Answer:
    """The game's answer. code: of its error body, where it had one; message: fit to be shown; body: cut."""

    kind: AnswerKind
    code: str | None = None
    message: str = ""
    body: bytes = b""


async def ask(context: "Context", project: Project, question: Question, *, purpose: Purpose) -> Answer:
    """Ask the game and wait for its answer, at most `ask_timeout_seconds`; never repeated by itself.

    Must not be called inside a transaction. The question and the reply are kept like every delivery.
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
        timeout_seconds=context.settings.ask_timeout_seconds,
    )
    answer = _answer(project, sent)
    await _keep(db, project, question.name, endpoint.purpose, event_id, body, sent, answer)
    return answer


def _answer(project: Project, sent: Sent) -> Answer:
    code, message = rules.explained(sent.reply)
    if rules.is_success(project.delivery_mode, sent.reply.status):
        return Answer(AnswerKind.ACCEPTED, body=sent.reply.body)
    # A question gets no second chance, so in both modes every 4xx is the answer.
    is_no = sent.reply.status is not None and 400 <= sent.reply.status < 500
    return Answer(AnswerKind.REFUSED if is_no else AnswerKind.AWAY, code, message, sent.reply.body)


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
