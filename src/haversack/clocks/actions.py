"""Moving a project's clock, giving a player a time of their own, and going back to where a clock was frozen.

Each action is given a session in whose open transaction it is the project's turn (`take_turn`). Jumps work in many
transactions of their own, because what falls due on the way happens as it does at any other time.
"""

import logging
import time
from datetime import datetime, timedelta
from uuid import UUID

from haversack.catalog.read_model.live import STOCK_CHANGED
from haversack.catalog.versions import CATALOG_CHANGED, HERE, raise_version
from haversack.clock import Clock, real_now
from haversack.clocks import queries, rules, snapshots
from haversack.clocks.falling_due import SOURCES, Errand, find_next_due
from haversack.clocks.records import ClockState, Journey, Passed
from haversack.context import Context
from haversack.database.engine import Session
from haversack.database.migrate import newest_revision
from haversack.database.notifications import notify
from haversack.errors import CLOCK_IS_BUSY, CLOCK_IS_FIXED, CLOCK_KEPT_BY_ANOTHER_VERSION, CLOCK_NOT_KEPT
from haversack.projects.actions import set_clock
from haversack.projects.directory import PROJECTS_CHANGED
from haversack.projects.queries import find_project
from haversack.projects.queries import set_clock as save_clock
from haversack.projects.records import Project

log = logging.getLogger("haversack.clocks")

# How long one call works on a jump. What is left is done by the next call.
JUMP_SECONDS_MAX = 20.0
# What one thing causes falls due at the same moment: an order that ends tells the game. More than this is a circle.
ROUNDS_MAX = 50


def check_movable(context: Context) -> None:
    """CLOCK_IS_FIXED where players are served: a jump would end their orders, and going back would undo purchases."""
    if not context.settings.is_development:
        raise CLOCK_IS_FIXED()


async def take_turn(context: Context, db: Session, project_id: int) -> Project:
    """The project as it stands, for whom alone moves its clock until the open transaction ends; CLOCK_IS_BUSY."""
    check_movable(context)
    assert db.in_transaction, "the transaction holds the turn"
    if not await queries.take_turn(db, project_id):
        raise CLOCK_IS_BUSY(project_id=project_id)
    project = await find_project(db, project_id)
    assert project is not None, "the caller has found the project"
    return project


async def get_state(db: Session, project: Project) -> ClockState:
    """Where a project's clock stands."""
    found = await find_project(db, project.project_id)
    assert found is not None, "projects are never deleted"
    snapshot = await queries.find_snapshot(db, project.project_id)
    return ClockState(found.clock, snapshot, await find_next_due(db, project.project_id, after=found.clock.now()))


async def freeze(context: Context, project: Project) -> None:
    """Let the project's time stand still, and keep everything as it is now: `go_back` returns to it."""
    now = project.clock.now()
    db = context.database.session()
    async with db.begin():
        await db.execute(snapshots.READ_AT_ONE_MOMENT)
        await save_clock(db, project.project_id, Clock(frozen_at=now))
        await queries.renew_snapshot(db, project.project_id, now=now, schema_revision=newest_revision())
        await snapshots.keep(db, project.project_id)
        await notify(db, PROJECTS_CHANGED)
    context.notifications.publish_locally(PROJECTS_CHANGED)


async def resume(context: Context, project: Project) -> None:
    """Let the project's time go on from where it stands."""
    if project.clock.frozen_at is not None:
        clock = rules.running_from(project.clock.frozen_at, machine_time=real_now())
        await set_clock(context, project.project_id, clock)


async def step(context: Context, project: Project, by: timedelta | None) -> Journey:
    """Jump by a length of time; without one, to when something falls due next, if anything does."""
    now = project.clock.now()
    if by is None:
        to = await find_next_due(context.database.session(), project.project_id, after=now)
        # What waits for another thing is due at no time that can be reached.
        by = timedelta() if to is None or to > rules.FURTHEST else to - now
    return await jump(context, project, to=now + by)


async def jump(context: Context, project: Project, *, to: datetime) -> Journey:
    """Move the project's time on. It stands still at each moment at which something falls due, until that is done: so
    everything happens in order and at its own time, whoever does it. A clock that ran goes on from where it comes to.
    """
    project_id, was_running = project.project_id, project.clock.frozen_at is None
    deadline = time.monotonic() + JUMP_SECONDS_MAX
    at = project.clock.now()
    # A clock that runs may have passed by since somebody looked.
    to = max(to, at)
    passed: list[Passed] = []
    try:
        while True:
            project = await _stand_at(context, project, at)
            await _do_due(Errand(context, project, deadline), at, passed)
            if time.monotonic() >= deadline or at == to:
                break
            due = await find_next_due(context.database.session(), project_id, after=at)
            at = to if due is None else min(due, to)
    finally:
        if was_running:
            await set_clock(context, project_id, rules.running_from(at, machine_time=real_now()))
    return Journey(at == to and time.monotonic() < deadline, tuple(passed))


async def _stand_at(context: Context, project: Project, at: datetime) -> Project:
    if project.clock.frozen_at == at:
        # A jump often begins where the last one has ended. Setting a clock lets every process forget all projects.
        return project
    await set_clock(context, project.project_id, Clock(frozen_at=at))
    found = await find_project(context.database.session(), project.project_id)
    assert found is not None, "projects are never deleted"
    return found


async def _do_due(errand: Errand, at: datetime, passed: list[Passed]) -> None:
    for _ in range(ROUNDS_MAX):
        has_done = False
        for source in SOURCES:
            if await source.do_due(errand):
                has_done = True
                if (done := Passed(at, source.what)) not in passed[-len(SOURCES) :]:
                    passed.append(done)
        if not has_done or time.monotonic() >= errand.deadline:
            return
    log.warning("what is due in project %d at %s does not come to an end", errand.project_id, at.isoformat())


async def go_back(context: Context, db: Session, project: Project) -> None:
    """Make the project what it was when it was frozen, in the caller's transaction. Its clock stands there again."""
    project_id = project.project_id
    kept = await queries.find_snapshot(db, project_id)
    if kept is None:
        raise CLOCK_NOT_KEPT(project_id=project_id)
    if kept.schema_revision != newest_revision():
        raise CLOCK_KEPT_BY_ANOTHER_VERSION(schema=kept.schema_revision)
    await snapshots.restore(db, project_id)
    version = await raise_version(db, project_id)
    await notify(db, PROJECTS_CHANGED)
    await notify(db, STOCK_CHANGED, str(project_id))

    def forget() -> None:
        context.notifications.publish_locally(PROJECTS_CHANGED)
        context.notifications.publish_locally(STOCK_CHANGED, str(project_id))
        context.notifications.publish_locally(CATALOG_CHANGED, f"{project_id}:{version}:{HERE}")

    db.after_commit(forget)


async def set_player_offset(context: Context, db: Session, project_id: int, player_id: UUID, seconds: int) -> None:
    """Give a player a time of their own, so many seconds later than the project's; 0 takes it away."""
    check_movable(context)
    async with db.together():
        await queries.set_offset(db, project_id, player_id, seconds)
        await notify(db, PROJECTS_CHANGED)
        db.after_commit(lambda: context.notifications.publish_locally(PROJECTS_CHANGED))
