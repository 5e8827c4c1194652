"""Everything that a page of chains wants to know of players, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import text

from haversack.chains.queries.claims import progress_of
from haversack.chains.records import Contributor, Progress
from haversack.database.engine import Session

TOP_CONTRIBUTORS_MAX = 10

# What others see of a player: the name they chose, else the beginning of their id.
READ_PLAYERS = text("""
WITH who AS (SELECT unnest(cast(:players AS uuid[])) AS player_id),
member AS (SELECT player_id, clan FROM clan_members JOIN who USING (player_id) WHERE project_id = :project),
clan_points AS (
    SELECT member.player_id, asked.value_point_id, kept.clan, kept.window_start, kept.amount
    FROM unnest(cast(:clan_points AS integer[]), cast(:clan_starts AS timestamptz[])) AS asked (value_point_id, start)
    CROSS JOIN member
    JOIN clan_balances AS kept ON kept.project_id = :project AND kept.value_point_id = asked.value_point_id
         AND kept.clan = member.clan AND kept.window_start >= asked.start
)
SELECT who.player_id, 'step' AS what, asked.chain_id AS id, taken.window_start, taken.step_id::bigint AS number,
       taken.claimed_at, '' AS name
FROM who
CROSS JOIN unnest(cast(:chains AS integer[]), cast(:chain_starts AS timestamptz[])) AS asked (chain_id, start)
JOIN chain_claims AS taken ON taken.project_id = :project AND taken.player_id = who.player_id
     AND taken.chain_id = asked.chain_id
     AND taken.window_start = (
         SELECT max(window_start) FROM chain_claims WHERE project_id = :project AND player_id = who.player_id
         AND chain_id = asked.chain_id AND window_start >= asked.start)
UNION ALL
SELECT who.player_id, 'own', asked.value_point_id, own.window_start, own.amount, NULL, ''
FROM who
CROSS JOIN unnest(cast(:own_points AS integer[]), cast(:own_starts AS timestamptz[])) AS asked (value_point_id, start)
JOIN value_point_balances AS own ON own.project_id = :project AND own.player_id = who.player_id
     AND own.value_point_id = asked.value_point_id AND own.clan = '' AND own.window_start >= asked.start
UNION ALL
SELECT player_id, 'member', 0, NULL, 0, NULL, clan FROM member
UNION ALL
SELECT player_id, 'clan', value_point_id, window_start, amount, NULL, '' FROM clan_points
UNION ALL
SELECT clan_points.player_id, 'top', clan_points.value_point_id, clan_points.window_start, best.amount, NULL,
       coalesce(nullif(players.nickname, ''), nullif(players.username, ''), left(best.player_id::text, 8))
FROM clan_points
CROSS JOIN LATERAL (
    SELECT player_id, amount FROM value_point_balances
    WHERE project_id = :project AND value_point_id = clan_points.value_point_id AND clan = clan_points.clan
    AND clan <> '' AND window_start = clan_points.window_start AND amount > 0
    ORDER BY amount DESC, player_id LIMIT :most
) AS best
LEFT JOIN players ON players.login_project_id = :login AND players.player_id = best.player_id
""")

Rows = Sequence[asyncpg.Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for, each with its window: chains, and value points of players and of clans. names_of: the login
    project whose players are named as a clan's top contributors; None: nobody is."""

    chains: Mapping[int, datetime] = field(default_factory=dict)
    own_points: Mapping[int, datetime] = field(default_factory=dict)
    clan_points: Mapping[int, datetime] = field(default_factory=dict)
    names_of: UUID | None = None


@dataclass(slots=True)
class PlayerState:
    """What a player has taken, by chain; their points and those of their clan, by value point; who of it brought the
    most."""

    progress: Mapping[int, Progress] = field(default_factory=dict)
    points: dict[int, int] = field(default_factory=dict)
    clan: str | None = None
    top: dict[int, list[Contributor]] = field(default_factory=dict)


async def list_rows(db: Session, project_id: int, asked: Asked, players: Sequence[UUID]) -> dict[UUID, Rows]:
    """What there is of players; those of whom there is nothing are not in it. See `state_of`."""
    rows = await db.fetch_all(
        READ_PLAYERS,
        project=project_id,
        login=asked.names_of,
        players=list(players),
        chains=list(asked.chains),
        chain_starts=list(asked.chains.values()),
        own_points=list(asked.own_points),
        own_starts=list(asked.own_points.values()),
        clan_points=list(asked.clan_points),
        clan_starts=list(asked.clan_points.values()),
        most=0 if asked.names_of is None else TOP_CONTRIBUTORS_MAX,
    )
    found: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        found.setdefault(row["player_id"], []).append(row)
    return dict(found)


async def read_player(db: Session, project_id: int, player_id: UUID, asked: Asked) -> PlayerState:
    """What there is of a player."""
    return state_of((await list_rows(db, project_id, asked, [player_id])).get(player_id, ()))


def state_of(rows: Rows) -> PlayerState:
    """What a player's rows say."""
    state = PlayerState()
    steps = []
    for row in rows:
        match row["what"]:
            case "step":
                steps.append({**row, "chain_id": row["id"], "step_id": row["number"]})
            case "own" | "clan":
                state.points[row["id"]] = row["number"]
            case "member":
                state.clan = row["name"]
            case "top":
                state.top.setdefault(row["id"], []).append(Contributor(row["name"], row["number"]))
    state.progress = progress_of(steps)
    for contributors in state.top.values():
        contributors.sort(key=lambda each: (-each.amount, each.name))
    return state
