"""Fixtures of the page tests: their own server, players and browser."""

import subprocess
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect
from visits import Give, OpenTab, Player, Site, Visitor, make_player, serve

from haversack.context import Context
from haversack.demo.seed import DEMO_FILE, Demo, seed_demo
from haversack.settings import Settings
from make import backpack
from make.exchanges import Recorder
from make.projects import Studio
from make.receiver import Receiver

FIND_BROWSER = Path(__file__).parent / "install_browser.sh"
# What Chromium would do by itself beside showing pages: none of it is wanted in a test, least of all a call home.
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
# Only a failure waits so long; a busy machine may well need some of it.
WAIT_MS = 20_000


class PagesNotTestedInABrowser(UserWarning):
    """Stands at the end of a test run that had no browser."""


@pytest.fixture(scope="session")
async def site(settings: Settings) -> AsyncIterator[Site]:
    """A server whose public address is where it really listens."""
    async with serve(settings) as site:
        yield site


@pytest.fixture(scope="session")
def context(site: Site) -> Context:
    """The site's context, so that what other makers make is made there."""
    return site.context


@pytest.fixture
async def client(site: Site, recorder: Recorder) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the site's API."""
    faults: list[str] = []
    async with httpx.AsyncClient(base_url=site.url) as client:
        client.event_hooks["response"].append(recorder.hook(faults))
        yield client
    assert not faults, "\n".join(faults)


@pytest.fixture
async def game(studio: Studio) -> AsyncIterator[Receiver]:
    """The studio's game: a webhook receiver that accepts everything until told otherwise."""
    async with Receiver() as receiver:
        await backpack.connect_game(studio, receiver.url)
        yield receiver


@pytest.fixture
async def player(studio: Studio) -> Player:
    """A player of the studio, whose Backpack is empty."""
    return await make_player(studio)


@pytest.fixture
def give(client: httpx.AsyncClient, site: Site) -> Give:
    """Puts an item into a player's Backpack, with a picture that this machine has."""

    async def give(player: Player, kind: str, **changes: Any) -> dict[str, Any]:
        given = {"image_url": site.picture("stormglass-lantern.webp"), **changes}
        return await backpack.give(client, player.studio, player.player_id, kind, **given)

    return give


@pytest.fixture(scope="module")
async def demo(site: Site) -> AsyncIterator[Demo]:
    """The demo of the site's database, made anew for each file of tests."""
    yield await seed_demo(site.context)
    (site.context.settings.data_folder / DEMO_FILE).unlink()


@pytest.fixture
async def visitor(site: Site) -> AsyncIterator[Visitor]:
    """Somebody with a browser that runs no script, not signed in."""
    async with Visitor(site) as visitor:
        yield visitor


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's Chromium or Chrome; without one these tests are skipped, and the run says so at its end."""
    # Takes some milliseconds, once.
    path = subprocess.run(["bash", FIND_BROWSER, "--find"], capture_output=True, text=True).stdout.strip()  # noqa: ASYNC221
    if not path:
        reason = "THE PAGES WERE NOT TESTED IN A BROWSER: there is none here (make browser says why)"
        with warnings.catch_warnings():
            warnings.simplefilter("always")  # told, not raised
            warnings.warn(reason, PagesNotTestedInABrowser, stacklevel=1)
        pytest.skip(reason)
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def open_tab(browser: Browser, site: Site) -> AsyncIterator[OpenTab]:
    """Opens tabs, each in a browser profile of its own.

    At the end no tab may have called another host, broken the pages' policy or met an error in a script.
    """
    faults: list[str] = []
    port = urlsplit(site.url).port
    usual = {"base_url": site.url, "reduced_motion": "reduce"}
    here = (f"127.0.0.1:{port}", f"localhost:{port}")

    def watch(request: Request) -> None:
        if urlsplit(request.url).netloc not in here:
            faults.append(f"called {request.url}")

    def listen(message: ConsoleMessage) -> None:
        # Chromium reports each status of 400 and above; tests look at these themselves.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            faults.append(f"console: {message.text}")

    async with AsyncExitStack() as stack:

        async def open_tab(*, player: Player | None = None, **options: Any) -> Page:
            profile = await browser.new_context(**{**usual, **options})
            stack.push_async_callback(profile.close)
            profile.set_default_timeout(WAIT_MS)
            profile.on("request", watch)
            tab = await profile.new_page()
            tab.on("console", listen)
            tab.on("pageerror", lambda error: faults.append(f"script: {error}"))
            if player is not None:
                await tab.goto(player.link)
            return tab

        yield open_tab
    assert not faults, "\n".join(faults)
