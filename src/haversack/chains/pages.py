"""Pages of chains: what is the same for all who see the same chains is made once, until time changes it."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from haversack.catalog.selling import Shop
from haversack.chains.daily.rules import DAY, day_start
from haversack.chains.held import HeldChains
from haversack.chains.offer.rules import next_reset
from haversack.chains.queries.standing import Asked, PlayerState
from haversack.chains.records import ByDay, ByOrder, ByPoints, Chain, ChainKind
from haversack.chains.rules import chain_window, visible_chains
from haversack.login.identities import PlayerIdentity
from haversack.personalization.records import Attributes

PLANS_KEPT_MAX = 500
NEVER = datetime.max.replace(tzinfo=UTC)
NOTHING = PlayerState()


class ChainsAsk(NamedTuple):
    """Which chains are asked for: a page of all of a kind."""

    language: str
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom chains are shown. attributes None: nobody is signed in; empty also where nothing depends on them."""

    shop: Shop
    held: HeldChains
    attributes: Attributes | None
    language: str
    country: str | None
    now: datetime


# A chain for a reader who stands so.
Encode = Callable[[Chain, PlayerState, Reader], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A page for all who see the same chains, from `since` up to `until`: which are on it, what is asked of each
    player, and each chain for who has nothing. `tag`: no other page has it."""

    chains: Sequence[Chain]
    asked: Asked
    head: bytes
    fresh: Sequence[bytes]
    since: datetime
    until: datetime
    tag: bytes = field(default_factory=lambda: secrets.token_hex(8).encode())

    def fill(self, state: PlayerState, reader: Reader, encode: Encode, tail: bytes) -> bytes:
        """The page of a player."""
        parts = [
            encode(chain, state, reader) if _concerns(state, chain) else fresh
            for chain, fresh in zip(self.chains, self.fresh, strict=True)
        ]
        return b"%b%b%b" % (self.head, b",".join(parts), tail)


def _concerns(state: PlayerState, chain: Chain) -> bool:
    if chain.chain_id in state.progress:
        return True
    return isinstance(chain.opening, ByPoints) and (
        chain.opening.value_point_id in state.points or chain.opening.value_point_id in state.top
    )


def plan_page(kind: ChainKind, ask: ChainsAsk, reader: Reader, player: PlayerIdentity | None, encode: Encode) -> Plan:
    """The plan of a page; the same for equal readers while it holds."""
    attributes = None if reader.attributes is None else frozenset(reader.attributes.items())
    names_of = None if player is None else player.login_project_id
    place = None if reader.country is None else reader.shop.catalog.country_key(reader.country.upper())
    key = (kind, ask, attributes, names_of, place)
    plans = reader.held.derived
    found: Plan | None = plans.get(key)
    if found is None or not found.since <= reader.now < found.until:
        if len(plans) >= PLANS_KEPT_MAX:
            plans.clear()
        found = plans[key] = _make_plan(kind, ask, reader, player, encode)
    return found


def _make_plan(kind: ChainKind, ask: ChainsAsk, reader: Reader, player: PlayerIdentity | None, encode: Encode) -> Plan:
    now, held = reader.now, reader.held
    # The chains may be newer than the catalog, which then does not know the point of a new one yet.
    of_kind = [chain for chain in held.of_kind(kind) if _is_known(chain, reader.shop)]
    seen = visible_chains(of_kind, reader.attributes, now)
    end = ask.offset + ask.limit
    chains = seen[ask.offset : end]
    asked = asked_of(held, chains, now, None if player is None else player.login_project_id)
    starts = (*asked.chains.values(), *asked.own_points.values(), *asked.clan_points.values())
    # A window that was begun by hand on a clock that went back since: what is shown moves with the time.
    is_ahead = any(start > now for start in starts)
    more = b"true" if end < len(seen) else b"false"
    return Plan(
        chains=chains,
        asked=asked,
        head=b'{"has_more":%b,"total_items_count":%d,"items":[' % (more, len(seen)),
        fresh=[encode(chain, NOTHING, reader) for chain in chains],
        since=now,
        until=now if is_ahead else min((edge for edge in _edges(held, of_kind, now) if edge > now), default=NEVER),
    )


def _is_known(chain: Chain, shop: Shop) -> bool:
    return not isinstance(chain.opening, ByPoints) or shop.find_by_id(chain.opening.value_point_id) is not None


def asked_of(held: HeldChains, chains: Sequence[Chain], now: datetime, names_of: UUID | None = None) -> Asked:
    """What is asked of a player for some chains; names_of: of whose players names are told."""
    starts: dict[int, datetime] = {}
    points: tuple[dict[int, datetime], dict[int, datetime]] = ({}, {})
    for chain in chains:
        opening = chain.opening
        if not isinstance(opening, ByPoints):
            starts[chain.chain_id] = chain_window(chain, now).start
            continue
        starts[chain.chain_id] = held.window_of(chain, now).start
        if opening.value_point_id not in points[opening.is_clan]:
            points[opening.is_clan][opening.value_point_id] = held.points_start(opening.value_point_id, now)
    return Asked(chains=starts, own_points=points[False], clan_points=points[True], names_of=names_of)


def _edges(held: HeldChains, chains: Sequence[Chain], now: datetime) -> Iterator[datetime]:
    """The moments at which something on a page of these chains changes of itself."""
    for chain in chains:
        yield chain.starts_at
        if chain.ends_at is not None:
            yield chain.ends_at
        match chain.opening:
            case ByPoints():
                following = held.window_of(chain, now).next
                if following is not None:
                    yield following
            case ByDay():
                yield day_start(chain, now) + DAY
            case ByOrder():
                if chain.schedule is not None:
                    yield next_reset(chain.schedule, chain.starts_at, now)
