"""Players of the Unity SDK sign in by computers too."""

from alembic import op

revision = "kinds_of_devices"
down_revision = "codes"
branch_labels = None
depends_on = None

KINDS = "'android', 'ios', 'macos', 'windows'"


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.drop_constraint(op.f("ck_player_devices_device_type_known"), "player_devices", type_="check")
    op.create_check_constraint(
        op.f("ck_player_devices_device_type_known"), "player_devices", f"device_type IN ({KINDS})"
    )
