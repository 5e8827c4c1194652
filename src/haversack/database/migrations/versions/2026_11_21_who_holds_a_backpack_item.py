"""A Backpack item knows the request that holds it. Codes are counted by two indexes, and checked once as they come."""

import sqlalchemy as sa
from alembic import op

revision = "backpack_holders"
down_revision = "catalog"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.add_column("backpack_items", sa.Column("held_by", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_key_codes_gone",
        "key_codes",
        ["project_id", "item_id", "state"],
        unique=False,
        postgresql_where=sa.text("state != 'available'::text"),
    )
    # The item's own key leads to the project.
    op.drop_constraint("fk_key_codes_project_id", "key_codes", type_="foreignkey")
