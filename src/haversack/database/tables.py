"""The conventions that every table follows: names of constraints, types of columns, the tenant first in the key."""

from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Integer, MetaData, Text
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def project_key(*, is_implied: bool = False, is_hot: bool = False) -> Column[int]:
    """The tenant: the first part of the primary key of every table that a project fills.

    is_implied: another foreign key of the table leads to a row of the project, so that this one need not be checked as
    well. For tables that take millions of rows at once: each check costs a quarter of the insert.
    is_hot: every purchase writes new rows of it, and each check would lock the project's row, for all purchases of a
    project the same one. Who writes them has the project at hand, and projects are never deleted.
    """
    known = () if is_implied or is_hot else (ForeignKey("projects.project_id"),)
    return Column("project_id", Integer, *known, primary_key=True, autoincrement=False)


def login_project_key() -> Column[Any]:
    """The tenant of players' identity, which several projects may share."""
    return Column(
        "login_project_id",
        UUID(as_uuid=True),
        ForeignKey("login_projects.login_project_id"),
        primary_key=True,
    )


def moment(name: str, *, nullable: bool = False) -> Column[Any]:
    """A point in time, in UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def text(name: str, *, nullable: bool = False, default: str | None = None) -> Column[str]:
    """Unbounded text; its length is bounded on the wire."""
    return Column(name, Text, nullable=nullable, server_default=default)


def one_of(name: str, *values: str) -> CheckConstraint:
    """A check that a text column holds one of the given words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{name} IN ({listed})", name=f"{name}_known")
