"""What a merchant's key opens beside single projects: the list of them."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from haversack.errors import STORE
from haversack.http.area import Area
from haversack.http.calls import MerchantCall
from haversack.http.wire import WireModel
from haversack.projects.queries import count_projects, list_project_ids

area = Area("common-merchant", family=STORE, prefix="/api")

PAGE_MAX = 50
OFFSET_MAX = 2**31 - 1


class ProjectPageQuery(WireModel):
    """Which page of the projects."""

    limit: int = Field(default=PAGE_MAX, ge=1)
    offset: int = Field(default=0, ge=0, le=OFFSET_MAX)


class ProjectIdView(WireModel):
    """A project of the merchant."""

    project_id: int


class ProjectPageView(WireModel):
    """A page of the merchant's projects."""

    # The contract describes a project beside the list instead of inside it; the document says it both ways.
    items: list[ProjectIdView] = Field(json_schema_extra={"properties": {"project_id": {"type": "integer"}}})
    has_more: bool
    total_items_count: int


@area.get("/v2/merchant/{merchant_id}/projects")
async def get_projects(call: MerchantCall, page: Annotated[ProjectPageQuery, Query()]) -> ProjectPageView:
    """Get the projects of a merchant, at most 50 at once."""
    limit = min(page.limit, PAGE_MAX)
    found = await list_project_ids(call.db, call.merchant_id, limit=limit, offset=page.offset)
    total = await count_projects(call.db, call.merchant_id)
    return ProjectPageView(
        items=[ProjectIdView(project_id=project_id) for project_id in found],
        has_more=page.offset + len(found) < total,
        total_items_count=total,
    )
