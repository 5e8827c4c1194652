"""Reads what is rehearsed, once: nothing is written, and nothing is read again while it is played."""

from datetime import UTC, datetime

from haversack.catalog.selling import Shop
from haversack.chains.held import chains_of
from haversack.context import Context
from haversack.limits.queries import list_resets
from haversack.projects.records import Project
from haversack.promotions.queries import list_promotions
from haversack.promotions.use_queries import read_standing
from haversack.rehearsal.season import Season


async def read_season(context: Context, project: Project, *, days: int, start: datetime | None = None) -> Season:
    """A project and so many days of it; start None: the first moment of the day, in UTC, at which its clock stands."""
    db = context.database.session()
    shop = Shop(await context.catalogs.get(project.project_id))
    standing = await read_standing(db, project.project_id, None, [])
    today = project.clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Season(
        shop=shop,
        held=await chains_of(db, shop),
        promotions=await list_promotions(db, project.project_id),
        start=today if start is None else start.astimezone(UTC),
        days=days,
        item_resets=await list_resets(db, project.project_id),
        promotion_resets=standing.resets,
    )
