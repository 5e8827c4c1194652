"""A project says whether its own rules or its game choose what a player sees."""

import sqlalchemy as sa
from alembic import op

revision = "personalization"
down_revision = "promotions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.add_column("projects", sa.Column("personalization", sa.Text(), server_default="platform", nullable=False))
    op.create_check_constraint(
        op.f("ck_projects_personalization_known"), "projects", "personalization IN ('platform', 'partner')"
    )
