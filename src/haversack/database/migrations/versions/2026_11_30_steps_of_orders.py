"""An order knows the step of an offer chain that it is of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "steps_of_orders"
down_revision = "chains"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.add_column("orders", sa.Column("chain_step", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
