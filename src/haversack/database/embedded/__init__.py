"""The PostgreSQL that Haversack brings along: kept in a folder, private to it, ended with it."""

from haversack.database.embedded.errors import EmbeddedDatabaseError
from haversack.database.embedded.server import EmbeddedDatabase, running_url

__all__ = ["EmbeddedDatabase", "EmbeddedDatabaseError", "running_url"]
