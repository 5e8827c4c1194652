"""Where webhooks may go, checked at save and again at each send; secrets at rest, in logs and while they rotate."""

from dataclasses import replace
from datetime import timedelta

import pytest

from haversack.clock import real_now
from haversack.context import Context
from haversack.errors import PROJECT_NOT_FOUND, Refusal
from haversack.outbound.addresses import PRODUCTION_POLICY, AddressRefused
from haversack.outbound.client import OutboundClient
from haversack.webhooks.actions import ROTATION_OVERLAP, save_endpoint
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.outcomes import Outcomes
from haversack.webhooks.queries.endpoints import find_endpoint
from haversack.webhooks.records import DeliveryStatus, Lane, Purpose
from haversack.webhooks.signing import verify_signatures
from make.deliveries import Drain, Told
from make.receiver import Answer, Receiver
from make.webhooks import SECRET, make_sender

REFUSED_EVERYWHERE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://user:pass@example.com/",
    "ftp://example.com/",
    "http://example.com:22/",
    "not a url",
]


@pytest.mark.parametrize("url", REFUSED_EVERYWHERE)
async def test_refused_when_saved_even_in_development(context: Context, url: str) -> None:
    sender = await make_sender(context)
    with pytest.raises(AddressRefused):
        await sender.set_endpoint(url)
    assert await find_endpoint(context.database.session(), context.sealer, sender.project_id, Purpose.STORE) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
async def test_refused_when_sent_although_it_was_saved(
    context: Context, receiver: Receiver, told: Told, address: str
) -> None:
    """Saved while the operator allowed this machine; sent by a process whose operator does not."""
    sender = await make_sender(context, receiver)
    await sender.set_endpoint(receiver.url.replace("127.0.0.1", address))
    delivery_id = await sender.publish()
    async with OutboundClient(replace(PRODUCTION_POLICY, allow_http=True, allowed_ports=None)) as outbound:
        deliverer = Deliverer(
            settings=context.settings,
            database=context.database,
            sealer=context.sealer,
            outbound=outbound,
            outcomes=Outcomes({"test": told}),
        )
        [held] = await deliverer.claim([Lane(sender.project_id, Purpose.STORE)])
        await deliverer.work(held, must_stop=lambda: False)
        await deliverer.close()
    found = await sender.inspect(delivery_id)
    assert receiver.received == []
    assert found.row.status is DeliveryStatus.PENDING
    assert found.attempts[0].failure == "refused"


async def test_a_redirect_is_not_followed(context: Context, receiver: Receiver, drain: Drain) -> None:
    async with Receiver() as inside:
        sender = await make_sender(context, receiver)
        receiver.answer_always(Answer(307, headers={"Location": inside.url}))
        delivery_id = await sender.publish()
        await drain(sender)
        assert inside.received == []
        assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.PENDING


async def test_the_reply_of_a_private_target_is_marked(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_next(Answer(500, b"x" * 20_000, headers={"Set-Cookie": "a=b", "X-More": "1"}))
    delivery_id = await sender.publish()
    await drain(sender)
    [attempt] = (await sender.inspect(delivery_id)).attempts
    assert attempt.is_private_target
    assert attempt.reply_body == b"x" * 8192
    assert attempt.reply_headers is not None
    assert attempt.reply_headers["x-more"] == "1"
    assert "set-cookie" not in attempt.reply_headers


async def test_rotation_with_no_failed_delivery(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    await sender.set_endpoint(receiver.url, secret="the next secret")
    await sender.publish()
    await drain(sender)
    [request] = receiver.received
    for secret in (SECRET, "the next secret"):
        assert verify_signatures(request.body, request.headers, secret, now=real_now()).standard is None
    assert verify_signatures(request.body, request.headers, "the next secret", now=real_now()).is_genuine
    endpoint = await find_endpoint(context.database.session(), context.sealer, sender.project_id, Purpose.STORE)
    assert endpoint is not None
    assert endpoint.secrets_at(real_now()) == ("the next secret", SECRET)
    assert endpoint.secrets_at(real_now() + ROTATION_OVERLAP) == ("the next secret",)


async def test_saving_the_same_secret_is_no_rotation(context: Context, receiver: Receiver) -> None:
    sender = await make_sender(context, receiver)
    await sender.set_endpoint(receiver.url)
    endpoint = await find_endpoint(context.database.session(), context.sealer, sender.project_id, Purpose.STORE)
    assert endpoint is not None
    assert endpoint.secrets_at(real_now()) == (SECRET,)


async def test_secrets_are_sealed_and_not_shown(
    context: Context, receiver: Receiver, drain: Drain, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    sender = await make_sender(context, receiver)
    await sender.publish()
    await drain(sender)
    endpoint = await find_endpoint(context.database.session(), context.sealer, sender.project_id, Purpose.STORE)
    assert SECRET not in repr(endpoint)
    assert SECRET not in caplog.text
    async with context.database.connection() as connection:
        for table in ("webhook_endpoints", "webhook_attempts", "webhook_events", "webhook_deliveries"):
            rows = await connection.fetch(f"SELECT t::text FROM {table} t WHERE project_id = $1", sender.project_id)
            assert all(SECRET not in row[0] and SECRET.encode().hex() not in row[0] for row in rows)


async def test_another_projects_endpoint_is_not_touched(context: Context, receiver: Receiver) -> None:
    first, second = await make_sender(context, receiver), await make_sender(context, receiver)
    await second.set_endpoint(receiver.url, secret="other")
    endpoint = await find_endpoint(context.database.session(), context.sealer, first.project_id, Purpose.STORE)
    assert endpoint is not None
    assert endpoint.secret == SECRET


async def test_an_unknown_project_is_said_to_be_unknown(context: Context, receiver: Receiver) -> None:
    sender = await make_sender(context)
    unknown = replace(sender.project, project_id=2_000_000_000)
    with pytest.raises(Refusal) as refused:
        await save_endpoint(
            context,
            context.database.session(),
            unknown,
            purpose=Purpose.STORE,
            url=receiver.url,
            secret="secret",
            is_enabled=True,
        )
    assert refused.value.kind is PROJECT_NOT_FOUND


async def test_the_timestamp_is_new_and_the_id_is_not(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_next(Answer(500))
    await sender.publish()
    await drain(sender)
    await sender.move_clock(timedelta(minutes=5))
    await drain(sender)
    first, second = receiver.received
    assert first.event_id == second.event_id
    # Real time, wherever the project's clock stands: receivers refuse stale timestamps.
    for each in (first, second):
        assert abs(int(each.headers["webhook-timestamp"]) - real_now().timestamp()) < 60
