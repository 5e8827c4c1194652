"""Errors of moving a project's clock."""

from haversack.errors.kinds import ErrorKind

CLOCK_IS_FIXED = ErrorKind(
    "store.clock_is_fixed",
    403,
    0,
    "This server serves players, whose time is not moved. Clocks move under `haversack dev`, and where"
    " HAVERSACK_MODE is development.",
)
CLOCK_IS_BUSY = ErrorKind(
    "store.clock_is_busy", 409, 0, "The clock of project {project_id} is being moved by another call. Try again."
)
CLOCK_NOT_KEPT = ErrorKind(
    "store.clock_not_kept", 404, 0, "There is nothing to go back to: project {project_id} was never frozen."
)
CLOCK_TOO_MUCH_TO_KEEP = ErrorKind(
    "store.clock_too_much_to_keep",
    422,
    0,
    "The project has more than the {limit} rows that a freeze keeps. Nothing was changed.",
)
CLOCK_KEPT_BY_ANOTHER_VERSION = ErrorKind(
    "store.clock_kept_by_another_version",
    409,
    0,
    "The project was frozen with another schema of the database ({schema}). Freeze it anew.",
)
