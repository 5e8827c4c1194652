"""Operations with which a studio moves a project's clock, and the time of a player, under development."""

from datetime import UTC, timedelta
from typing import Annotated

from fastapi import Path

from haversack.clocks import actions, queries
from haversack.clocks.records import Journey
from haversack.clocks.rules import why_not
from haversack.clocks.wire import ClockView, JourneyView, JumpBody, OffsetBody, OffsetView, StepBody, moment_text
from haversack.errors import (
    CLOCK_IS_BUSY,
    CLOCK_IS_FIXED,
    CLOCK_KEPT_BY_ANOTHER_VERSION,
    CLOCK_NOT_KEPT,
    CLOCK_TOO_MUCH_TO_KEEP,
    PLAYER_UNKNOWN,
    STORE,
    Fault,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid
from haversack.login.actions import get_player_id
from haversack.projects.records import Project

area = Area("clock-admin", family=STORE, prefix="/api/v2/project/{project_id}/admin/clock")

MOVING = (CLOCK_IS_FIXED, CLOCK_IS_BUSY)
ExternalIdPath = Annotated[str, Path(min_length=1, max_length=255, pattern=r"^\S+$")]


async def _turn(call: AdminCall) -> Project:
    return await actions.take_turn(call.context, call.db, call.project_id)


async def _clock(call: AdminCall) -> ClockView:
    return ClockView.of(await actions.get_state(call.context.database.session(), call.project))


async def _journey(call: AdminCall, journey: Journey) -> JourneyView:
    state = await actions.get_state(call.context.database.session(), call.project)
    return JourneyView.of_journey(state, journey)


@area.get("")
async def get_clock(call: AdminCall) -> ClockView:
    """Show where the project's clock stands, what it can go back to, and when something falls due next."""
    return await _clock(call)


@area.put("/freeze", errors=(*MOVING, CLOCK_TOO_MUCH_TO_KEEP), audit="clock frozen")
async def freeze_clock(call: AdminCall) -> ClockView:
    """Let the project's time stand still, and keep everything as it is: `back` returns to it."""
    await actions.freeze(call.context, await _turn(call))
    return await _clock(call)


@area.put("/jump", errors=MOVING, repeat=Repeat.RESUMABLE, audit="clock moved")
async def jump_clock(call: AdminCall, body: JumpBody) -> JourneyView:
    """Move the project's time on to a moment; what falls due on the way happens in order before the answer."""
    project = await _turn(call)
    reason = why_not(project.clock.now(), body.to)
    if reason is not None:
        raise invalid(STORE.invalid, [Fault("to", reason)])
    to = body.to.astimezone(UTC)
    return await _journey(call, await actions.jump(call.context, project, to=to))


@area.post("/step", errors=MOVING, repeat=Repeat.RESUMABLE, audit="clock moved")
async def step_clock(call: AdminCall, body: StepBody) -> JourneyView:
    """Move the project's time on by some seconds, or to when something falls due next."""
    project = await _turn(call)
    by = None if body.seconds is None else timedelta(seconds=body.seconds)
    reason = why_not(project.clock.now(), project.clock.now() + (by or timedelta()))
    if reason is not None:
        raise invalid(STORE.invalid, [Fault("seconds", reason)])
    return await _journey(call, await actions.step(call.context, project, by))


@area.put("/resume", errors=MOVING, audit="clock runs on")
async def resume_clock(call: AdminCall) -> ClockView:
    """Let the project's time go on from where it stands."""
    await actions.resume(call.context, await _turn(call))
    return await _clock(call)


@area.put(
    "/back", status=204, errors=(*MOVING, CLOCK_NOT_KEPT, CLOCK_KEPT_BY_ANOTHER_VERSION), audit="project taken back"
)
async def take_clock_back(call: AdminCall) -> None:
    """Make the project what it was when it was frozen: data, balances, deliveries. Its time stands still there."""
    await actions.go_back(call.context, call.db, await _turn(call))


def _offset(call: AdminCall, seconds: int) -> OffsetView:
    now = call.project.clock.now() + timedelta(seconds=seconds)
    return OffsetView(offset_seconds=seconds, now=moment_text(now))


@area.get("/player/{user_external_id}", errors=(PLAYER_UNKNOWN,))
async def get_player_clock(call: AdminCall, user_external_id: ExternalIdPath) -> OffsetView:
    """Show how far a player's time lies ahead of the project's."""
    player_id = await get_player_id(call, user_external_id)
    return _offset(call, await queries.find_offset(call.db, call.project_id, player_id))


@area.put("/player/{user_external_id}", errors=(CLOCK_IS_FIXED, PLAYER_UNKNOWN), audit="clock of a player set")
async def set_player_clock(call: AdminCall, user_external_id: ExternalIdPath, body: OffsetBody) -> OffsetView:
    """Give a player a time of their own, which the player's own calls follow."""
    player_id = await get_player_id(call, user_external_id)
    await actions.set_player_offset(call.context, call.db, call.project_id, player_id, body.offset_seconds)
    return _offset(call, body.offset_seconds)
