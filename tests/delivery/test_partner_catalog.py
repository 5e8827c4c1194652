"""Catalogs that the game personalizes: what it is asked, what is remembered, and what players see when it is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from haversack.clock import real_now
from haversack.context import Context
from haversack.database.engine import Database
from haversack.login.identities import PlayerIdentity
from haversack.personalization import partner
from haversack.personalization.partner import AGAIN_SECONDS, FAILURES_MAX, FRESH_SECONDS, REMEMBERED_SECONDS_MAX
from haversack.personalization.partner import PartnerCatalog as Partner
from haversack.personalization.records import PartnerAnswer, PartnerItem, PartnerSource
from haversack.webhooks.asking import AskerParts
from haversack.webhooks.queries.inspector import list_deliveries
from haversack.webhooks.records import DeliveryStatus
from haversack.webhooks.signing import verify_signatures
from make.receiver import Answer, Fault, Received, Receiver, refusal
from make.webhooks import SECRET, Sender, make_sender


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def catalog(context: Context, watch: Watch) -> AsyncIterator[Partner]:
    """What one process knows of its games."""
    catalog = Partner(context, seconds=watch)
    yield catalog
    await catalog.close()


@pytest.fixture
async def sender(context: Context, receiver: Receiver) -> Sender:
    return await make_sender(context, receiver)


def make_player(name: str = "", *, is_guest: bool = False) -> PlayerIdentity:
    return PlayerIdentity(
        login_project_id=UUID(int=7), player_id=uuid4(), expires_at=real_now(), external_id=name, is_guest=is_guest
    )


def offer(*skus: str, **more: Any) -> Answer:
    return Answer(200, orjson.dumps([{"sku": sku, **more} for sku in skus]))


async def read(catalog: Partner, sender: Sender, player: PlayerIdentity | None, **changes: Any) -> PartnerAnswer:
    asked: Mapping[str, Any] = {"country": "DE", "currency": "EUR", "locale": "de", **changes}
    return await catalog.read(sender.project, player, **asked)


async def test_what_the_game_is_asked(catalog: Partner, sender: Sender, receiver: Receiver) -> None:
    receiver.answer_always(offer("lamp", quantity=2))
    player = make_player("hero-17")
    found = await read(catalog, sender, player)
    assert (found.source, found.by_sku, found.problem) == (PartnerSource.ANSWERED, {"lamp": PartnerItem(2)}, "")
    await read(catalog, sender, make_player(), country=None, currency=None, locale="en")
    await read(catalog, sender, None)
    await read(catalog, sender, make_player("guest", is_guest=True))
    asked = [request.json for request in receiver.received]
    assert {each["notification_type"] for each in asked} == {"partner_side_catalog"}
    assert asked[0]["user"] == {
        "user_id": "hero-17",
        "id": "hero-17",
        "country": "DE",
        "currency": "EUR",
        "locale": "de",
    }
    assert asked[1]["user"].keys() == {"user_id", "id", "locale"}
    # A guest is nobody that the game could know: it was asked once for both.
    assert [each["user"]["user_id"] for each in asked[2:]] == [None]
    request = receiver.received[0]
    assert verify_signatures(request.body, request.headers, SECRET, now=real_now()).is_genuine


async def test_an_answer_holds_for_some_seconds(
    catalog: Partner, sender: Sender, receiver: Receiver, watch: Watch
) -> None:
    receiver.answer_next(offer("lamp"), offer("rope"))
    player = make_player("hero")
    first = await read(catalog, sender, player)
    watch.seconds += FRESH_SECONDS - 1
    assert await read(catalog, sender, player) is first
    watch.seconds += 1
    assert list((await read(catalog, sender, player)).by_sku) == ["rope"]
    assert len(receiver.received) == 2


async def test_answers_are_kept_apart(catalog: Partner, sender: Sender, receiver: Receiver, context: Context) -> None:
    receiver.answer_always(lambda request: offer(str(len(receiver.received))))
    hero, other = make_player("hero"), await make_sender(context, receiver)
    found = [
        await read(catalog, sender, hero),
        await read(catalog, sender, make_player("other")),
        await read(catalog, sender, hero, country="FR"),
        await read(catalog, sender, hero, currency="USD"),
        await read(catalog, sender, hero, locale="en"),
        await read(catalog, other, hero),
        await read(catalog, sender, None),
    ]
    assert [list(each.by_sku) for each in found] == [[str(number)] for number in range(1, 8)]


async def test_a_game_is_asked_once_for_all_who_wait(catalog: Partner, sender: Sender, receiver: Receiver) -> None:
    receiver.answer_always(Answer(200, b'[{"sku":"lamp"}]', delay_seconds=0.2))
    player = make_player("hero")
    found = await asyncio.gather(*(read(catalog, sender, player) for _ in range(50)))
    assert len(receiver.received) == 1
    assert len(set(map(id, found))) == 1


async def test_who_goes_away_does_not_stop_the_question(catalog: Partner, sender: Sender, receiver: Receiver) -> None:
    receiver.answer_always(Answer(200, b'[{"sku":"lamp"}]', delay_seconds=0.2))
    player = make_player("hero")
    first = asyncio.create_task(read(catalog, sender, player))
    await receiver.wait_for(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await read(catalog, sender, player)).source is PartnerSource.ANSWERED
    assert len(receiver.received) == 1


FAILURES = [
    Answer(500),
    Answer(204),
    Answer(202, b"[]"),
    Answer(301, headers={"Location": "/elsewhere"}),
    refusal("INVALID_SIGNATURE", "wrong", status=401),
    refusal("INVALID_PARAMETER", "no", status=422),
    Answer(200, b"nothing"),
    Answer(200, b'{"items": []}'),
    Answer(fault=Fault.DROP),
    Answer(fault=Fault.GARBAGE),
    Answer(fault=Fault.CUT, status=200, body=b"[]"),
]


@pytest.mark.parametrize("failure", FAILURES)
async def test_what_was_said_not_long_ago_stands_in_for_a_game_that_is_away(
    catalog: Partner, sender: Sender, receiver: Receiver, watch: Watch, failure: Answer
) -> None:
    receiver.answer_next(offer("lamp"))
    receiver.answer_always(failure)
    player = make_player("hero")
    good = await read(catalog, sender, player)
    watch.seconds += FRESH_SECONDS
    found = await read(catalog, sender, player)
    assert (found.source, found.by_sku) == (PartnerSource.REMEMBERED, good.by_sku)
    assert found.problem
    # It is not asked again at once.
    assert await read(catalog, sender, player) is found
    assert len(receiver.received) == 2
    watch.seconds += REMEMBERED_SECONDS_MAX - FRESH_SECONDS
    assert (await read(catalog, sender, player)).source is PartnerSource.REMEMBERED
    watch.seconds += AGAIN_SECONDS
    gone = await read(catalog, sender, player)
    assert (gone.source, len(gone)) == (PartnerSource.NOTHING, 0)
    receiver.answer_always(offer("rope"))
    watch.seconds += AGAIN_SECONDS
    back = await read(catalog, sender, player)
    assert (back.source, list(back.by_sku)) == (PartnerSource.ANSWERED, ["rope"])


@pytest.mark.parametrize("failure", [*FAILURES, refusal("INVALID_USER", status=404)])
async def test_nothing_is_shown_where_the_game_has_never_answered(
    catalog: Partner, sender: Sender, receiver: Receiver, failure: Answer
) -> None:
    receiver.answer_always(failure)
    for player in (make_player("hero"), None):
        found = await read(catalog, sender, player)
        assert (found.source, len(found)) == (PartnerSource.NOTHING, 0)
        assert found.problem


async def test_a_game_that_hangs_is_not_waited_for(catalog: Partner, sender: Sender, receiver: Receiver) -> None:
    receiver.answer_always(Answer(fault=Fault.HANG))
    started = time.monotonic()
    found = await read(catalog, sender, make_player("hero"))
    # The tests' own limit for questions is less than the three seconds of catalogs.
    assert 1.5 < time.monotonic() - started < 3
    assert found.source is PartnerSource.NOTHING


async def test_a_player_whom_the_game_does_not_know_sees_what_guests_see(
    catalog: Partner, sender: Sender, receiver: Receiver, watch: Watch
) -> None:
    def answer(request: Received) -> Answer:
        if request.json["user"]["user_id"] is None:
            return offer("starter-pack")
        return offer("crown") if len(receiver.received) == 1 else refusal("INVALID_USER", "who?", status=404)

    receiver.answer_always(answer)
    player = make_player("hero")
    assert list((await read(catalog, sender, player)).by_sku) == ["crown"]
    watch.seconds += FRESH_SECONDS
    found = await read(catalog, sender, player)
    assert (found.source, list(found.by_sku)) == (PartnerSource.GUESTS, ["starter-pack"])
    assert found.problem == "The game does not know the player."
    assert await read(catalog, sender, player) is found
    # What it has said before does not stand in any more.
    receiver.answer_always(Answer(500))
    watch.seconds += FRESH_SECONDS
    assert (await read(catalog, sender, player)).source is PartnerSource.NOTHING
    guest = await read(catalog, sender, None)
    assert (guest.source, list(guest.by_sku)) == (PartnerSource.REMEMBERED, ["starter-pack"])


async def test_nobody_to_ask(catalog: Partner, context: Context) -> None:
    found = await read(catalog, await make_sender(context), make_player("hero"))
    assert (found.source, found.problem) == (
        PartnerSource.NOTHING,
        "The project has no webhook address set up, or it is off.",
    )


async def test_after_failures_one_request_looks_whether_the_game_is_back(
    catalog: Partner, sender: Sender, receiver: Receiver, watch: Watch
) -> None:
    receiver.answer_next(offer("lamp"))
    receiver.answer_always(Answer(500))
    known = make_player("known")
    await read(catalog, sender, known)
    watch.seconds += FRESH_SECONDS
    for number in range(FAILURES_MAX + 3):
        await read(catalog, sender, make_player(f"player {number}"))
    assert len(receiver.received) == 1 + FAILURES_MAX
    # Who was told something not long ago keeps it without a question.
    assert (await read(catalog, sender, known)).source is PartnerSource.REMEMBERED
    watch.seconds += AGAIN_SECONDS
    receiver.answer_always(Answer(200, b'[{"sku":"rope"}]', delay_seconds=0.2))
    found = await asyncio.gather(*(read(catalog, sender, make_player(f"late {number}")) for number in range(10)))
    assert len(receiver.received) == 2 + FAILURES_MAX
    assert sorted(each.source for each in found) == [PartnerSource.ANSWERED] + [PartnerSource.NOTHING] * 9
    # It is back.
    assert (await read(catalog, sender, make_player("later still"))).source is PartnerSource.ANSWERED


async def test_trouble_of_one_game_is_none_of_another(
    catalog: Partner, sender: Sender, receiver: Receiver, context: Context
) -> None:
    async with Receiver() as healthy:
        healthy.answer_always(offer("lamp"))
        other = await make_sender(context, healthy)
        receiver.answer_always(Answer(500))
        for number in range(FAILURES_MAX + 1):
            await read(catalog, sender, make_player(f"player {number}"))
        assert (await read(catalog, other, make_player("hero"))).source is PartnerSource.ANSWERED


async def test_long_answers(catalog: Partner, sender: Sender, receiver: Receiver) -> None:
    receiver.answer_always(offer(*(f"item-{number}" for number in range(5_000))))
    assert len(await read(catalog, sender, make_player("hero"))) == 5_000


async def test_memory_is_bounded(
    catalog: Partner, sender: Sender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partner, "ITEMS_KEPT_MAX", 30)
    receiver.answer_always(offer(*(f"item-{number}" for number in range(9))))
    players = [make_player(f"player {number}") for number in range(4)]
    for player in players:
        await read(catalog, sender, player)
    await read(catalog, sender, players[3])
    await read(catalog, sender, players[1])
    assert len(receiver.received) == 4
    # The first was forgotten, and takes the place of the one that was asked for longest ago.
    await read(catalog, sender, players[0])
    await read(catalog, sender, players[1])
    assert len(receiver.received) == 5
    await read(catalog, sender, players[2])
    assert len(receiver.received) == 6
    monkeypatch.setattr(partner, "ANSWERS_KEPT_MAX", 1)
    await read(catalog, sender, players[3])
    await read(catalog, sender, players[2])
    assert len(receiver.received) == 8


async def test_only_failures_are_kept_for_the_inspector(
    catalog: Partner, sender: Sender, receiver: Receiver, context: Context
) -> None:
    receiver.answer_next(offer("lamp"), Answer(200, b"nothing", headers={"Content-Type": "text/plain"}))
    await read(catalog, sender, make_player("hero"))
    await read(catalog, sender, make_player("other"))
    [row] = await list_deliveries(context.database.session(), project_id=sender.project_id, count=10)
    assert (row.event_type, row.status, row.message) == (
        "partner_side_catalog",
        DeliveryStatus.FAILED,
        "The answer is not JSON.",
    )
    kept = await sender.inspect(row.delivery_id)
    assert kept.body == receiver.received[1].body
    assert kept.attempts[0].reply_body == b"nothing"


async def test_a_bug_is_logged_and_does_not_take_the_shop_down(
    sender: Sender, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Partner(None)  # type: ignore[arg-type]
    found = await read(broken, sender, make_player("hero"))
    assert found.source is PartnerSource.NOTHING
    assert "could not be asked" in caplog.text


async def test_the_database_is_away(context: Context, sender: Sender) -> None:
    # Nothing listens there.
    async with Database("postgresql://u:p@127.0.0.1:9/none", connections=2, acquire_seconds=0.5) as away:
        catalog = Partner(AskerParts(context.settings, away, context.sealer, context.outbound))
        found = await read(catalog, sender, None)
    assert (found.source, found.problem) == (
        PartnerSource.NOTHING,
        "The database is away, and with it the game's address.",
    )
