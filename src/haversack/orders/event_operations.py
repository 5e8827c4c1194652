"""The Event API: a game without a server asks for what webhooks would have told it, as its player."""

from typing import Annotated, Any

from fastapi import Path, Query

from haversack.clock import wire_time
from haversack.errors import EVENT_NOT_FOUND, PROJECT_NOT_FOUND, STORE
from haversack.http.area import Area
from haversack.http.calls import PlayerCall
from haversack.http.wire import WireModel
from haversack.orders.actions import take_order
from haversack.orders.event_queries import PulledEvent, add_processed, find_event, list_events
from haversack.projects.records import Project

area = Area("events", family=STORE)

ID_MAX = 2**63 - 1
# Every event that is listed waits to be processed.
WAITING = 0

ProjectId = Annotated[int, Query(ge=1, le=2**31 - 1, description="whose events")]


class EventView(WireModel):
    """An event. `data` is the body of its webhook, with the project's `settings`."""

    id: int
    status: int
    created_at: str
    data: dict[str, Any]

    @classmethod
    def of(cls, event: PulledEvent, project: Project) -> "EventView":
        """The event as its player's game reads it."""
        settings = {"project_id": project.project_id, "merchant_id": project.merchant_id}
        return cls(
            id=event.event_id,
            status=WAITING,
            created_at=wire_time(event.created_at),
            data={**event.body, "settings": settings},
        )


class EventsView(WireModel):
    """What the game has not taken yet, the oldest first."""

    events: list[EventView]


async def _project(call: PlayerCall, project_id: int) -> Project:
    project = await call.context.directory.find_project(project_id)
    if project is None:
        raise PROJECT_NOT_FOUND(project_id=project_id)
    if project.login_project_id != call.player.login_project_id:
        raise STORE.unauthorized(reason="The token is of another login project than this project's.")
    return project


@area.get("/events", errors=(PROJECT_NOT_FOUND,))
async def get_unprocessed_events(call: PlayerCall, project_id: ProjectId) -> EventsView:
    """List what has become of the player's orders and the game has not taken yet: paid and canceled ones."""
    project = await _project(call, project_id)
    found = await list_events(call.db, project_id, call.player_id)
    return EventsView(events=[EventView.of(event, project) for event in found])


@area.post("/events/{event_id}/processed", status=204, errors=(PROJECT_NOT_FOUND, EVENT_NOT_FOUND))
async def mark_event_as_processed(
    call: PlayerCall, event_id: Annotated[int, Path(ge=1, le=ID_MAX)], project_id: ProjectId
) -> None:
    """Say that the game has taken an event. A paid order is done with it, as if its webhook had been accepted."""
    project = await _project(call, project_id)
    now = project.clock.now()
    async with call.db.begin():
        event = await find_event(call.db, project_id, call.player_id, event_id)
        if event is None:
            raise EVENT_NOT_FOUND(event_id=event_id)
        if event.event_type == "order_paid":
            await take_order(call.db, project_id, event.order_id, now=now)
        await add_processed(call.db, project_id, call.player_id, event_id, now=now)
