"""Catalogs that the game personalizes: what it says of each player, asked for and remembered for a few seconds."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from haversack.database.engine import DatabaseAway, Session
from haversack.images.once import OnceAtATime
from haversack.login.identities import PlayerIdentity
from haversack.personalization.partner_answers import ANSWER_BYTES_MAX, Offer, UnreadableAnswer, read_offer
from haversack.personalization.records import PartnerAnswer, PartnerSource
from haversack.projects.records import Personalization, Project
from haversack.webhooks.asking import AnswerKind, Asker, ask
from haversack.webhooks.events import PartnerSideCatalog
from haversack.webhooks.records import Purpose

log = logging.getLogger("haversack.personalization")

ASK_SECONDS_MAX = 3.0
FRESH_SECONDS = 10.0
# Where the game does not answer, or does not know the player, it is asked for them again after this.
AGAIN_SECONDS = 5.0
# An answer that is older does not stand in for a game that is away.
REMEMBERED_SECONDS_MAX = 600.0
# After so many failures one after another a project's game counts as away: nobody waits for it, and one request in
# `AGAIN_SECONDS` looks whether it is back.
FAILURES_MAX = 5
# What is remembered in a process: by items, since an answer may name one or ten thousand.
ITEMS_KEPT_MAX = 300_000
ANSWERS_KEPT_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the game is asked about, and in which shop. player: how it calls them; None: somebody not signed in."""

    project_id: int
    player: str | None
    country: str | None
    currency: str | None
    locale: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is shown to a player until `until`, and the last real answer with the moment at which it came."""

    shown: PartnerAnswer
    until: float
    good: PartnerAnswer | None
    good_at: float

    @property
    def size(self) -> int:
        """How much of the memory for answers it takes."""
        return 1 + (0 if self.good is None else len(self.good))


@dataclass(slots=True)
class Trouble:
    """Failures of a project's game one after another, and when it is asked again."""

    failures: int = 0
    ask_again_at: float = 0.0


class PartnerCatalog:
    """Asks games which items their players see. Players and guests get what was said last for ten seconds."""

    def __init__(self, asker: Asker, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._asker = asker
        self._seconds = seconds
        self._asking: OnceAtATime[PartnerAnswer] = OnceAtATime()
        self._kept: OrderedDict[Asked, Kept] = OrderedDict()
        self._items_kept = 0
        self._trouble: dict[int, Trouble] = {}

    async def read(
        self,
        project: Project,
        player: PlayerIdentity | None,
        country: str | None,
        currency: str | None,
        locale: str,
    ) -> PartnerAnswer:
        """What the game shows to a player; it always returns. Must not be called inside a transaction."""
        name = None if player is None or player.is_guest else player.name_in_game
        return await self._read(project, Asked(project.project_id, name, country, currency, locale))

    async def read_for(
        self, db: Session, project: Project, player: PlayerIdentity, country: str | None, locale: str
    ) -> PartnerAnswer | None:
        """What the game shows to a player who fills a cart or buys; None where the project's game is not asked.

        In a transaction what was said in the last ten minutes will do, so that nothing waits for the game with a
        connection in its hand; only of whom nothing is remembered it is asked even there.
        """
        if project.personalization is not Personalization.PARTNER:
            return None
        name = None if player.is_guest else player.name_in_game
        kept = self._kept.get(Asked(project.project_id, name, country, None, locale))
        good = None if kept is None or self._seconds() - kept.good_at > REMEMBERED_SECONDS_MAX else kept.good
        if db.in_transaction and good is not None:
            return good
        return await self.read(project, player, country, None, locale)

    async def close(self) -> None:
        """Stop asking."""
        await self._asking.close()

    def find_ready(self, asked: Asked) -> PartnerAnswer | None:
        """What is remembered and need not be asked for."""
        kept = self._kept.get(asked)
        if kept is None or kept.until <= self._seconds():
            return None
        self._kept.move_to_end(asked)
        return kept.shown

    async def _read(self, project: Project, asked: Asked) -> PartnerAnswer:
        ready = self.find_ready(asked)
        if ready is not None:
            return ready
        if not self._may_ask(project.project_id):
            return self._without(asked, "The game has not answered for a while.")
        return await self._asking.run(asked, lambda: self._ask(project, asked))

    async def _ask(self, project: Project, asked: Asked) -> PartnerAnswer:
        offers: list[Offer] = []

        def find_fault(body: bytes) -> str | None:
            try:
                offers.append(read_offer(body))
            except UnreadableAnswer as error:
                return str(error)
            return None

        question = PartnerSideCatalog(
            user_id=asked.player, country=asked.country, currency=asked.currency, locale=asked.locale
        )
        try:
            answer = await ask(
                self._asker,
                project,
                question,
                purpose=Purpose.STORE,
                seconds_max=ASK_SECONDS_MAX,
                reply_bytes_max=ANSWER_BYTES_MAX,
                find_fault=find_fault,
                keeps_failures_only=True,
            )
        except DatabaseAway:
            return self._without(asked, "The database is away, and with it the game's address.")
        except Exception:
            # A bug must not take the shop down: its pages go on with what is remembered.
            log.exception("project %s: its game could not be asked what a player sees", asked.project_id)
            return self._without(asked, "Something went wrong on the server. Its log has it.")
        if answer.kind is AnswerKind.ACCEPTED:
            self._trouble.pop(project.project_id, None)
            return self._keep_offer(asked, offers[0])
        if answer.status == 404 and asked.player is not None:
            self._trouble.pop(project.project_id, None)
            return await self._as_guest(project, asked)
        self._note_failure(project.project_id)
        return self._without(asked, answer.message)

    def _keep_offer(self, asked: Asked, offer: Offer) -> PartnerAnswer:
        if offer.faults:
            log.warning("project %s: entries of the game's catalog left out: %s", asked.project_id, offer.faults)
        found = PartnerAnswer(
            source=PartnerSource.ANSWERED, by_sku=offer.by_sku, by_id=offer.by_id, faults=offer.faults
        )
        now = self._seconds()
        self._keep(asked, Kept(found, now + FRESH_SECONDS, found, now))
        return found

    async def _as_guest(self, project: Project, asked: Asked) -> PartnerAnswer:
        """What those see who are not signed in: it is no secret from a player whom the game does not know."""
        guests = await self._read(project, replace(asked, player=None))
        found = guests
        if guests.source is PartnerSource.ANSWERED:
            found = PartnerAnswer(
                source=PartnerSource.GUESTS,
                by_sku=guests.by_sku,
                by_id=guests.by_id,
                problem="The game does not know the player.",
                faults=guests.faults,
            )
        # What the game has said of the player before does not hold any more.
        self._keep(asked, Kept(found, self._seconds() + AGAIN_SECONDS, None, 0.0))
        return found

    def _without(self, asked: Asked, problem: str) -> PartnerAnswer:
        """What is shown while the game does not answer: what it has said of the player not long ago, else nothing."""
        now = self._seconds()
        kept = self._kept.get(asked)
        good, good_at = (None, 0.0) if kept is None else (kept.good, kept.good_at)
        if good is not None and now - good_at <= REMEMBERED_SECONDS_MAX:
            shown = replace(good, source=PartnerSource.REMEMBERED, problem=problem)
        else:
            good, shown = None, PartnerAnswer(source=PartnerSource.NOTHING, problem=problem)
        self._keep(asked, Kept(shown, now + AGAIN_SECONDS, good, good_at))
        return shown

    def _keep(self, asked: Asked, kept: Kept) -> None:
        before = self._kept.pop(asked, None)
        self._items_kept += kept.size - (0 if before is None else before.size)
        self._kept[asked] = kept
        while len(self._kept) > ANSWERS_KEPT_MAX or (self._items_kept > ITEMS_KEPT_MAX and len(self._kept) > 1):
            _, forgotten = self._kept.popitem(last=False)
            self._items_kept -= forgotten.size

    def _may_ask(self, project_id: int) -> bool:
        trouble = self._trouble.get(project_id)
        if trouble is None or trouble.failures < FAILURES_MAX:
            return True
        now = self._seconds()
        if now < trouble.ask_again_at:
            return False
        # This request looks; the others go on without the game until it has.
        trouble.ask_again_at = now + AGAIN_SECONDS
        return True

    def _note_failure(self, project_id: int) -> None:
        trouble = self._trouble.setdefault(project_id, Trouble())
        trouble.failures += 1
        trouble.ask_again_at = self._seconds() + AGAIN_SECONDS
        if trouble.failures == FAILURES_MAX:
            log.warning("project %s: its game does not say what players see; nobody waits for it now", project_id)
