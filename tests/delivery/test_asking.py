"""Questions: asked once, answered in time or not, kept like every delivery."""

import time

import pytest

from haversack.clock import real_now
from haversack.context import Context
from haversack.projects.records import DeliveryMode
from haversack.webhooks.asking import AnswerKind, ask
from haversack.webhooks.events import BackpackUserValidation, PartnerSideCatalog, Question, UserValidation
from haversack.webhooks.queries.inspector import list_deliveries
from haversack.webhooks.queries.outbox import add_replays
from haversack.webhooks.records import DeliveryStatus, Purpose
from haversack.webhooks.signing import verify_signatures
from make.receiver import Answer, Fault, Receiver, refusal
from make.webhooks import SECRET, make_sender

QUESTION = UserValidation(user_id="player-17")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Answer(200), AnswerKind.ACCEPTED, None),
        (Answer(201), AnswerKind.ACCEPTED, None),
        (Answer(204), AnswerKind.ACCEPTED, None),
        (refusal("INVALID_USER", "no such player"), AnswerKind.REFUSED, "INVALID_USER"),
        (refusal("INVALID_USER", "no such player", status=404), AnswerKind.REFUSED, "INVALID_USER"),
        (Answer(401), AnswerKind.REFUSED, None),
        (Answer(500), AnswerKind.AWAY, None),
        (Answer(202), AnswerKind.AWAY, None),
        (Answer(301, headers={"Location": "/elsewhere"}), AnswerKind.AWAY, None),
        (Answer(fault=Fault.DROP), AnswerKind.AWAY, None),
        (Answer(fault=Fault.HANG), AnswerKind.AWAY, None),
    ],
)
async def test_answers(
    context: Context, receiver: Receiver, answer: Answer, kind: AnswerKind, code: str | None
) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_next(answer)
    started = time.monotonic()
    found = await ask(context, sender.project, QUESTION, purpose=Purpose.BACKPACK)
    assert time.monotonic() - started < context.settings.ask_timeout_seconds + 1
    assert (found.kind, found.code) == (kind, code)
    [request] = receiver.received
    assert verify_signatures(request.body, request.headers, SECRET, now=real_now()).is_genuine
    [row] = await list_deliveries(context.database.session(), project_id=sender.project_id, count=10)
    assert row.event_type == "user_validation"
    wanted = DeliveryStatus.SUCCEEDED if kind is AnswerKind.ACCEPTED else DeliveryStatus.FAILED
    assert (row.status, row.attempts_made, row.event_id) == (wanted, 1, request.event_id)
    kept = await sender.inspect(row.delivery_id)
    assert kept.body == request.body
    assert len(kept.attempts) == 1


async def test_nobody_to_ask(context: Context, receiver: Receiver) -> None:
    sender = await make_sender(context)
    assert (await ask(context, sender.project, QUESTION, purpose=Purpose.STORE)).kind is AnswerKind.NO_ENDPOINT
    await sender.set_endpoint(receiver.url, is_enabled=False)
    assert (await ask(context, sender.project, QUESTION, purpose=Purpose.STORE)).kind is AnswerKind.NO_ENDPOINT
    assert receiver.received == []


async def test_a_4xx_is_an_answer_in_native_mode_too(context: Context, receiver: Receiver) -> None:
    sender = await make_sender(context, receiver, mode=DeliveryMode.NATIVE)
    receiver.answer_next(Answer(404), Answer(202))
    question = BackpackUserValidation(user_id="player-17")
    assert (await ask(context, sender.project, question, purpose=Purpose.STORE)).kind is AnswerKind.REFUSED
    assert (await ask(context, sender.project, question, purpose=Purpose.STORE)).kind is AnswerKind.ACCEPTED


async def test_the_backpacks_own_endpoint_is_asked(context: Context, receiver: Receiver) -> None:
    sender = await make_sender(context, receiver)
    async with Receiver() as backpack:
        await sender.set_endpoint(backpack.url, purpose=Purpose.BACKPACK)
        await ask(context, sender.project, QUESTION, purpose=Purpose.BACKPACK)
        assert (len(receiver.received), len(backpack.received)) == (0, 1)


@pytest.mark.parametrize(
    "question",
    [
        QUESTION,
        BackpackUserValidation(user_id="player-17"),
        PartnerSideCatalog(user_id="player-17", country=None, currency=None, locale="en"),
    ],
)
async def test_questions_do_not_wait_in_the_lane_and_are_not_replayed(
    context: Context, receiver: Receiver, question: Question
) -> None:
    sender = await make_sender(context, receiver)
    await sender.publish()
    assert (await ask(context, sender.project, question, purpose=Purpose.STORE)).kind is AnswerKind.ACCEPTED
    assert await add_replays(context.database.session(), sender.project_id, now=sender.project.clock.now()) == []
