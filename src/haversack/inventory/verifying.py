"""Derives what everybody has from the ledger anew, and names each place where the tables say something else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from haversack.database.engine import Connection, Database, compiled
from haversack.inventory.queries.books import CHECKS, LIST_PROJECTS

# A large project's books are read whole.
TIMEOUT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two accounts of one thing differ: what follows from the books, and what stands in the table."""

    project_id: int
    check: str
    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        differs = f"{self.expected} by the books, {self.found} found"
        return f"project {self.project_id}, {self.check}: {self.place}: {differs}"


async def list_projects(database: Database) -> list[int]:
    """Every project, in order."""
    return [row["project_id"] for row in await database.session().fetch_all(LIST_PROJECTS)]


async def find_differences(database: Database, project_id: int | None = None) -> AsyncIterator[Difference]:
    """Each difference in the books of a project, or of all. Each project is read as it is at one moment, so that it may
    go on meanwhile."""
    for each in [project_id] if project_id is not None else await list_projects(database):
        async with (
            database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            differences = await list_differences(connection, each)
        for difference in differences:
            yield difference


async def list_differences(connection: Connection, project_id: int) -> list[Difference]:
    """Each difference in a project's books, as the connection's transaction sees them."""
    found = []
    for check, question in CHECKS.items():
        query = compiled(question)
        arguments = query.arguments({"project": project_id})
        for row in await connection.fetch(query.sql, *arguments, timeout=TIMEOUT_SECONDS):
            found.append(Difference(project_id, check, row["place"], row["expected"], row["found"]))
    return found
