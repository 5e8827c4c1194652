"""The one error of the embedded database server."""


class EmbeddedDatabaseError(Exception):
    """The embedded PostgreSQL cannot do what was asked; the text says why and what to do about it."""
