"""A server of pages at a real port, players with something to see, and visitors without a script."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
import uvicorn
from playwright.async_api import Page

from haversack.app import OUTCOMES, build_application
from haversack.clock import Clock
from haversack.context import Context, open_context
from haversack.http.dispatch import Dispatcher
from haversack.login.actions import ensure_user, issue_player_token
from haversack.projects.queries import set_clock
from haversack.settings import Settings
from haversack.webhooks.queries.lanes import list_due_lanes
from make.projects import Studio

PASSWORD = "correct horse"

# Fixtures that are functions: give(player, kind, **changes) -> item; open_tab(player=None, **options) -> page.
Give = Callable[..., Awaitable[dict[str, Any]]]
OpenTab = Callable[..., Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class Site:
    """A running server: where browsers reach it, and what it is made of."""

    url: str
    context: Context
    application: Dispatcher

    def picture(self, name: str) -> str:
        """The address of a picture that ships with the demo."""
        return f"{self.url}/demo/{name}"


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the test run has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Site]:
    """Serve the application at a free port of this machine, which is its public address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with open_context(settings.model_copy(update={"public_url": url}), OUTCOMES) as context:
            assert await context.notifications.wait_until_listening(10)
            application = build_application(context)
            config = uvicorn.Config(application, lifespan="off", http="httptools", log_config=None, access_log=False)
            server = _Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            yield Site(url, context, application)
            server.should_exit = True
            await serving


@dataclass(slots=True)
class Player:
    """A player of a studio."""

    studio: Studio = field(repr=False)
    player_id: UUID
    name: str
    token: str = field(repr=False)

    @property
    def link(self) -> str:
        """How a game opens the page."""
        return f"/backpack?token={self.token}"


async def make_player(studio: Studio, *, password: str | None = None) -> Player:
    """A fresh player, who can sign in by name if there is a password."""
    player_id, name = uuid4(), f"juno-{uuid4().hex[:8]}"
    await ensure_user(studio.context, studio.login_project_id, player_id, username=name, password=password)
    token = await issue_player_token(studio.context, studio.login_project_id, player_id)
    return Player(studio, player_id, name, token)


async def send_again(studio: Studio) -> None:
    """Let the time of the next attempt come in a studio's project, and do what a worker does then."""
    context = studio.context
    await set_clock(context.database.session(), studio.project_id, Clock(offset=timedelta(minutes=6)))
    due = await list_due_lanes(context.database.session(), [studio.project_id])
    assert due, "nothing waits to be sent again"
    for lane in await context.deliverer.claim([each.lane for each in due]):
        await context.deliverer.work(lane, must_stop=lambda: False)


class Visitor:
    """A browser without script: keeps cookies, reads pages, sends their forms."""

    def __init__(self, site: Site) -> None:
        self.site = site
        # The OpenAPI document takes its time when it is first asked for.
        self.client = httpx.AsyncClient(base_url=site.url, timeout=60)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def open(self, path: str = "/backpack") -> httpx.Response:
        """Load a page; redirects are not followed."""
        return await self.client.get(path)

    async def sign_in(self, player: Player) -> None:
        """Come by a game's link."""
        reply = await self.open(player.link)
        assert (reply.status_code, reply.headers["location"]) == (303, "/backpack")

    async def form_token(self) -> str:
        """The token that the forms of a page carry."""
        found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', (await self.open()).text)
        assert found is not None
        return found[1]

    async def send(self, path: str, *, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        """Send a form as its page would, with the page's token unless another is given."""
        fields.setdefault("csrf_token", await self.form_token())
        return await self.client.post(path, data=fields, headers={"Origin": self.site.url, **(headers or {})})

    async def receive(
        self, item: dict[str, Any], user_game_id: str = "", *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Press an item's button."""
        path = f"/backpack/items/{item['item_id']}/receive"
        return await self.send(path, user_game_id=user_game_id, headers=headers)


def card_of(page: str, item: dict[str, Any]) -> str:
    """The part of a page that shows an item; empty where it shows none."""
    found = re.search(rf'<li class="card" id="item-{item["item_id"]}".*?</li>', page, re.DOTALL)
    return found[0] if found else ""


def words_of(page: str) -> str:
    """The text of a page or a part of it, without tags, spaced once."""
    body = re.sub(r"<(template|script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
