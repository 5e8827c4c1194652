"""`haversack webhooks …` as an operator runs it, and the receiver of `listen`."""

import asyncio
import os
import re
import sys
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from haversack.context import Context
from haversack.webhooks.listener import Heard, Listener
from haversack.webhooks.records import DeliveryStatus
from haversack.webhooks.signing import standard_secret
from make.deliveries import Drain
from make.receiver import Answer, Received, Receiver, refusal
from make.webhooks import SECRET, Sender, make_sender


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it printed."""

    status: int | None
    out: str
    err: str


@pytest.fixture
async def sender(context: Context, receiver: Receiver) -> Sender:
    """A project in Xsolla mode."""
    return await make_sender(context, receiver)


async def run(context: Context, *arguments: str) -> Ended:
    """Run `haversack webhooks …` on the test's database."""
    settings = context.settings
    assert settings.database_url is not None and settings.encryption_key is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from haversack.cli.main import app; app()",
        "webhooks",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "HAVERSACK_DATABASE_URL": settings.database_url.get_secret_value(),
            "HAVERSACK_ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
            "HAVERSACK_DATA_FOLDER": str(settings.data_folder),
            "HAVERSACK_OUTBOUND_ALLOW_LOOPBACK": "true",
        },
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


async def test_list_and_show(context: Context, sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_next(Answer(), refusal("INVALID_USER", "no such player \x1b[31m"), Answer(500))
    taken, refused, waiting = [await sender.publish() for _ in range(3)]
    await drain(sender)
    listed = await run(context, "list", "--project", str(sender.project_id))
    assert listed.status == 0, listed.err
    lines = listed.out.splitlines()
    assert [line.split()[0] for line in lines] == ["DELIVERY", str(waiting), str(refused), str(taken)]
    assert "pending" in lines[1] and "again at" in lines[1]
    assert "failed" in lines[2] and "INVALID_USER no such player" in lines[2]
    assert "succeeded" in lines[3]
    assert "\x1b" not in listed.out
    failed = await run(context, "list", "--project", str(sender.project_id), "--status", "failed", "--since", "1h")
    assert [line.split()[0] for line in failed.out.splitlines()] == ["DELIVERY", str(refused)]
    shown = await run(context, "show", str(refused))
    found = await sender.inspect(refused)
    for wanted in (
        found.row.event_id,
        found.body.decode(),
        f"> POST {receiver.url}",
        "> Authorization: Signature ",
        "> webhook-signature: v1,",
        "< 400",
        '"code":"INVALID_USER"',
    ):
        assert wanted in shown.out
    assert SECRET not in shown.out


async def test_show_says_what_looks_permanent(
    context: Context, sender: Sender, receiver: Receiver, drain: Drain
) -> None:
    receiver.answer_always(Answer(500, b"no such table"))
    delivery_id = await sender.publish()
    for _ in range(3):
        await drain(sender)
        await sender.move_clock(timedelta(minutes=15))
    shown = await run(context, "show", str(delivery_id))
    assert "This looks permanent" in shown.out
    assert "return 400" in shown.out
    assert shown.out.count("Attempt ") == 3


async def test_replay(context: Context, sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_next(Answer(), refusal("INVALID_USER"), refusal("INVALID_USER"))
    ids = await sender.publish_many(3)
    await drain(sender)
    one = await run(context, "replay", str(ids[1]))
    assert one.status == 0 and one.out.startswith("1 to be sent again"), one.err
    await drain(sender)
    assert receiver.event_ids[3:] == [(await sender.inspect(ids[1])).row.event_id]
    failed = await run(context, "replay", "--project", str(sender.project_id), "--status", "failed")
    assert failed.out.startswith("2 to be sent again"), failed.err
    await drain(sender)
    spanned = await run(context, "replay", str(ids[0]), "--last", str(ids[1]))
    assert spanned.out.startswith("2 to be sent again"), spanned.err
    await drain(sender)
    assert len(receiver.received) == 8
    assert len(set(receiver.event_ids)) == 3


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["replay"], 2, "Say what to send again"),
        (["replay", "--status", "failed"], 2, "need --project"),
        (["replay", "999999999"], 1, "no delivery 999999999"),
        (["show", "999999999"], 1, "no delivery 999999999"),
        (["list", "--project", "999999999"], 1, "no project 999999999"),
        (["list", "--since", "yesterday"], 2, "--since must be"),
        (["secret", "999999999"], 1, "no project 999999999"),
    ],
)
async def test_mistakes_are_answered_in_words(context: Context, arguments: list[str], status: int, words: str) -> None:
    ended = await run(context, *arguments)
    assert ended.status == status
    assert words in ended.err
    assert "Traceback" not in ended.err


async def test_set_and_secret(context: Context, sender: Sender, receiver: Receiver) -> None:
    project = str(sender.project_id)
    refused = await run(context, "set", project, "--url", "http://169.254.169.254/", "--secret", "s")
    assert refused.status == 1 and "reserved" in refused.err
    done = await run(context, "set", project, "--url", receiver.url, "--secret", "a new one", "--purpose", "backpack")
    assert done.status == 0, done.err
    shown = await run(context, "secret", project)
    for secret in (SECRET, "a new one"):
        assert secret in shown.out
        assert standard_secret(secret) in shown.out


async def test_the_listener_verifies_and_answers(
    context: Context, sender: Sender, receiver: Receiver, drain: Drain
) -> None:
    receiver.answer_next(Answer(500))
    delivery_id = await sender.publish()
    await drain(sender)
    [request] = receiver.received
    heard: list[Heard] = []

    async def post(listener: Listener, request: Received, **changed: bytes) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=listener)) as client:
            return await client.post("http://here/", content=changed.get("body", request.body), headers=request.headers)

    listener = Listener(heard.append, secret=SECRET, fail_status=503, fail_count=1)
    forged = await post(listener, request, body=request.body.replace(b"player-17", b"player-18"))
    assert (forged.status_code, forged.json()["error"]["code"]) == (400, "INVALID_SIGNATURE")
    assert (await post(listener, request)).status_code == 503
    assert (await post(listener, request)).status_code == 204
    assert [each.is_repeat for each in heard] == [False, True, True]
    assert heard[0].verdict is not None and not heard[0].verdict.is_genuine
    assert heard[2].verdict is not None and heard[2].verdict.is_genuine
    assert (heard[2].event_type, heard[2].event_id) == ("order_paid", request.event_id)
    assert (await post(Listener(heard.append, secret=None), request, body=b"[1]")).status_code == 204
    assert heard[-1].event_type == "without notification_type"
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.PENDING


async def test_listen_receives_from_a_worker(context: Context, sender: Sender, drain: Drain) -> None:
    async with Receiver() as placeholder:
        port = placeholder.port
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from haversack.cli.main import app; app()",
        "webhooks",
        "listen",
        "--port",
        str(port),
        "--secret",
        SECRET,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        await sender.set_endpoint(f"http://127.0.0.1:{port}/")
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                break
        delivery_id = await sender.publish()
        await drain(sender)
        assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.SUCCEEDED
        process.terminate()
        assert process.stdout is not None
        printed = (await process.stdout.read()).decode()
        assert len(re.findall(r"(Signature|webhook-signature) +ok", printed)) == 2, printed
        assert "answered 204" in printed
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
