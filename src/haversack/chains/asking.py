"""Which chains are asked for, and for whom they are to be shown."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import ConfigDict, Field

from haversack.chains.pages import ChainsAsk
from haversack.chains.queries.chains import count_chains, list_page_of_chains
from haversack.chains.records import Chain, ChainKind
from haversack.http.calls import AdminCall
from haversack.http.wire import WireModel
from haversack.text import FALLBACK, language_of

INT32_MAX = 2**31 - 1
ADMIN_PAGE_MAX = 10

ChainIdPath = Annotated[int, Path(ge=1, le=INT32_MAX)]
StepIdPath = Annotated[int, Path(ge=1, le=INT32_MAX)]
StepNumberPath = Annotated[int, Path(ge=1, le=INT32_MAX)]
Offset = Annotated[int, Field(ge=0, le=INT32_MAX)]


class AdminPageQuery(WireModel):
    """A page of a studio's list: at most 10 chains at once; those that are switched on (1) or off (0)."""

    limit: int = Field(default=ADMIN_PAGE_MAX, ge=1)
    offset: Offset = 0
    enabled: Literal["0", "1"] | None = None

    @property
    def most(self) -> int:
        """How many chains a page has at most."""
        return min(self.limit, ADMIN_PAGE_MAX)

    @property
    def is_enabled(self) -> bool | None:
        """Whether they are to be switched on; None where it does not matter."""
        return None if self.enabled is None else self.enabled == "1"


class ReadQuery(WireModel):
    """How chains are to be shown. Other parameters are ignored."""

    model_config = ConfigDict(extra="ignore")

    locale: Annotated[str, Field(description="language of all texts, of two or five letters")] = FALLBACK

    @property
    def language(self) -> str:
        """The language; English where it is not known."""
        return language_of(self.locale) or FALLBACK


class PageQuery(ReadQuery):
    """A page of a player's list; more than the page can hold gives what it can."""

    limit: int | None = Field(default=None, ge=1)
    offset: Offset = 0

    def ask(self, most: int) -> ChainsAsk:
        """What is asked for of a list that shows so many at most."""
        return ChainsAsk(self.language, min(self.limit or most, most), self.offset)


async def list_asked_page(call: AdminCall, kind: ChainKind, page: AdminPageQuery) -> tuple[list[Chain], bool]:
    """The chains of a studio's page, by their order, and whether there are more behind them."""
    found = await list_page_of_chains(
        call.db, call.project_id, kind, limit=page.most, offset=page.offset, is_enabled=page.is_enabled
    )
    total = await count_chains(call.db, call.project_id, kind, is_enabled=page.is_enabled)
    return found, page.offset + len(found) < total


AdminPage = Annotated[AdminPageQuery, Query()]
Read = Annotated[ReadQuery, Query()]
Page = Annotated[PageQuery, Query()]
