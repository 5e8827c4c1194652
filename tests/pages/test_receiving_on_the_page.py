"""Receiving by the page's forms: without a script, and what the page's script is answered."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from visits import Player, Site, Visitor, card_of, send_again, words_of

from haversack.login.actions import link_platform_account
from make.backpack import PICTURE, give, held_items
from make.inventory import balances_of, make_currency
from make.receiver import Answer, Receiver, refusal

FETCH = {"X-Requested-With": "fetch"}
UNKNOWN_PLAYER = "The game does not know this player id."
AWAY = "The game cannot be reached right now. Your item stays here; try again later."
SILENT = "Sent, and waiting for the game to confirm. There is nothing you need to do."


async def test_receive_item(visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    reply = await visitor.receive(item, " hero-7 ")
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack?done=received")
    assert game.received[0].json["user"]["id"] == "hero-7"
    page = (await visitor.open("/backpack?done=received")).text
    assert "Received. Look in your game." in words_of(page)
    assert card_of(page, item) == ""


async def test_refused_player_id(visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver) -> None:
    refused = await give(client, player.studio, player.player_id, "virtual_items")
    other = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    game.answer_next(refusal("INVALID_USER"))
    reply = await visitor.receive(refused, "stranger")
    assert reply.status_code == 400
    card = card_of(reply.text, refused)
    assert UNKNOWN_PLAYER in words_of(card)
    assert 'value="stranger"' in card
    assert 'aria-invalid="true" autofocus' in card
    untouched = card_of(reply.text, other)
    assert UNKNOWN_PLAYER not in untouched
    assert "stranger" not in untouched
    assert "aria-invalid" not in untouched
    assert len(await held_items(client, player.studio, player.player_id)) == 2
    assert (await visitor.receive(refused, "hero-7")).status_code == 303


async def test_game_refuses_the_item(
    visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver
) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    game.answer_next(Answer(), refusal("INVALID_PARAMETER", "The bag is full."))
    reply = await visitor.receive(item, "hero-7")
    assert reply.status_code == 400
    assert "The game did not take the item: The bag is full." in words_of(card_of(reply.text, item))


async def test_game_away(visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    game.answer_next(Answer(500))
    reply = await visitor.receive(item, "hero-7")
    assert reply.status_code == 200
    assert AWAY in words_of(card_of(reply.text, item))
    assert len(await held_items(client, player.studio, player.player_id)) == 1


async def test_game_that_receives_nothing_yet(visitor: Visitor, client: httpx.AsyncClient, player: Player) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    reply = await visitor.receive(item, "hero-7")
    assert "This game cannot receive items yet." in words_of(card_of(reply.text, item))


async def test_game_silent(visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    game.answer_next(Answer(), Answer(500))
    reply = await visitor.receive(item, "hero-7")
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack?done=on_its_way")
    page = (await visitor.open("/backpack?done=on_its_way")).text
    assert "The game has not confirmed it yet; we keep asking." in words_of(page)
    card = card_of(page, item)
    assert 'data-state="held"' in card
    assert "<form" not in card
    again = await visitor.receive(item, "hero-7")
    assert "This item is on its way to the game already." in words_of(again.text)
    assert len(game.received) == 2


async def test_receive_into_the_wallet(visitor: Visitor, client: httpx.AsyncClient, player: Player) -> None:
    await make_currency(player.studio, "gems", "Gems")
    item = await give(client, player.studio, player.player_id, "virtual_currency", item_sku="gems", quantity=300)
    await visitor.sign_in(player)
    card = card_of((await visitor.open()).text, item)
    assert "Goes to Your wallet" in words_of(card)
    assert 'name="user_game_id"' not in card
    reply = await visitor.receive(item)
    assert (reply.status_code, reply.headers["location"]) == (303, "/backpack?done=in_wallet")
    assert "It is in your wallet now." in words_of((await visitor.open("/backpack?done=in_wallet")).text)
    assert await balances_of(player.studio, player.player_id) == {"gems": 300}


async def test_platform_item(visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items", platform="steam")
    await visitor.sign_in(player)
    card = card_of((await visitor.open()).text, item)
    assert 'href="/backpack/link/steam"' in card
    assert "<form" not in card
    assert "Link your platform account first." in words_of((await visitor.receive(item)).text)
    await link_platform_account(
        player.studio.context.database.session(),
        player.studio.login_project_id,
        player.player_id,
        platform="steam",
        account_id="7656119",
    )
    assert "Steam account 7656119" in words_of(card_of((await visitor.open()).text, item))
    # Whatever the form says, a platform item goes to the linked account.
    assert (await visitor.receive(item, "hero-7")).status_code == 303
    assert game.received[0].json["user"]["id"] == "7656119"


async def test_item_that_is_not_there(
    visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver
) -> None:
    foreign = await give(client, player.studio, uuid4(), "virtual_items")
    key = await give(client, player.studio, player.player_id, "game_keys")
    await visitor.sign_in(player)
    for item in (foreign, {"item_id": uuid4()}, key):
        reply = await visitor.receive(item, "hero-7")
        assert reply.status_code == 404
        assert "This item has already left your Backpack." in words_of(reply.text)
    assert game.received == []


async def test_receive_item_not_signed_in(
    visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver
) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items")
    for headers in ({}, FETCH):
        reply = await visitor.receive(item, "hero-7", headers=headers)
        assert (reply.status_code, reply.headers["location"]) == (303, "/backpack/sign-in")
    assert game.received == []


@pytest.mark.parametrize(
    ("answers", "user_game_id", "status", "expected"),
    [
        ([], "hero-7", 200, (True, "Received. Look in your game.", None, "received")),
        ([], "", 400, (False, UNKNOWN_PLAYER, "user_game_id", "claimed")),
        ([refusal("INVALID_USER")], "stranger", 400, (False, UNKNOWN_PLAYER, "user_game_id", "claimed")),
        (
            [Answer(), refusal("INVALID_PARAMETER", "The bag is full.")],
            "hero-7",
            400,
            (False, "The game did not take the item: The bag is full.", "user_game_id", "claimed"),
        ),
        ([Answer(500)], "hero-7", 500, (False, AWAY, None, "claimed")),
        ([Answer(), Answer(500)], "hero-7", 200, (True, SILENT, None, "held")),
    ],
    ids=["received", "no id", "unknown", "refused", "away", "silent"],
)
async def test_answers_to_the_script(
    visitor: Visitor,
    client: httpx.AsyncClient,
    player: Player,
    game: Receiver,
    answers: list[Answer],
    user_game_id: str,
    status: int,
    expected: tuple[Any, ...],
) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    game.answer_next(*answers)
    reply = await visitor.receive(item, user_game_id, headers=FETCH)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    answer = reply.json()
    assert set(answer) == {"ok", "message", "field", "state"}
    is_ok, message, field, state = expected
    assert (answer["ok"], answer["field"], answer["state"]) == (is_ok, field, state)
    assert answer["message"].startswith(message)
    is_gone = state == "received"
    assert len(await held_items(client, player.studio, player.player_id)) == (0 if is_gone else 1)


async def test_held_item_is_received_when_the_game_answers(
    visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver
) -> None:
    item = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    game.answer_next(Answer(), Answer(500))
    await visitor.receive(item, "hero-7")
    await send_again(player.studio)
    assert card_of((await visitor.open()).text, item) == ""
    told = game.received[1:]
    assert len({each.event_id for each in told}) == 1


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</template></li></ul><h1>gone</h1>",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_texts(
    visitor: Visitor, client: httpx.AsyncClient, player: Player, game: Receiver, text: str
) -> None:
    studio, player_id = player.studio, player.player_id
    picture = f"{PICTURE}?{text}"
    texts = {"description": text, "game_name": text, "image_url": picture, "game_image_url": picture}
    await give(client, studio, player_id, "game_keys", code=text, **texts)
    item = await give(client, studio, player_id, "virtual_items", item_name=text, **texts)
    await visitor.sign_in(player)
    game.answer_next(Answer(), refusal("INVALID_PARAMETER", text))
    page = (await visitor.receive(item, text)).text
    assert words_of(page).count(text) >= 4
    for raw in ("<script>alert", "<img src=x", "onmouseover='", "<h1>gone"):
        assert raw not in page
    assert page.count("<h1") == 1
    assert "49" not in words_of(card_of(page, item))


async def test_filter(visitor: Visitor, client: httpx.AsyncClient, player: Player) -> None:
    key = await give(client, player.studio, player.player_id, "game_keys", game_name="Lanternfall")
    lamp = await give(client, player.studio, player.player_id, "virtual_items")
    await visitor.sign_in(player)
    page = (await visitor.open("/backpack?item_type=game_key")).text
    assert card_of(page, key) and not card_of(page, lamp)
    assert "All 2" in words_of(page) and "Game keys 1" in words_of(page)
    page = (await visitor.open("/backpack?item_type=promo_code")).text
    assert "Nothing of this kind" in words_of(page)
    page = (await visitor.open("/backpack?item_type=anything")).text
    assert card_of(page, key) and card_of(page, lamp)


async def test_games_in_order(visitor: Visitor, client: httpx.AsyncClient, player: Player, site: Site) -> None:
    cover = site.picture("cover-lanternfall.webp")
    for game_name, game_picture in (("", ""), ("Wick", ""), ("ash", ""), ("Lanternfall", ""), ("Lanternfall", cover)):
        texts = {"game_name": game_name, "game_image_url": game_picture} if game_name else {}
        await give(client, player.studio, player.player_id, "virtual_items", **texts)
    await visitor.sign_in(player)
    page = (await visitor.open()).text
    shown = words_of(page)
    places = [shown.index(name) for name in ("ash 1 item", "Lanternfall 2 items", "Wick 1 item", "For any game 1 item")]
    assert places == sorted(places)
    # Of several pictures that came with a game's items one is shown.
    assert page.count('class="shelf__art"') == 1


async def test_pictures_come_from_where_the_page_did(
    visitor: Visitor, client: httpx.AsyncClient, player: Player, site: Site
) -> None:
    await give(client, player.studio, player.player_id, "virtual_items", image_url=site.picture("ember-moth.webp"))
    await visitor.sign_in(player)
    page = (await visitor.open()).text
    assert '<img src="/images/' in page
    assert site.url not in page
