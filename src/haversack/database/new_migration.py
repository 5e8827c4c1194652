"""Writes the migration that brings the newest schema to the tables of the code: `make migration MESSAGE="..."`.

Read what it wrote before committing it: names, locks and data are for a person to decide.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from haversack.clock import real_now
from haversack.database.embedded import EmbeddedDatabase
from haversack.database.migrate import alembic_config, engine_url, migrate


async def _write(message: str) -> None:
    def revise(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        config.set_main_option("file_template", f"{real_now():%Y_%m_%d}_%%(slug)s")
        command.revision(config, message=message, autogenerate=True)

    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedDatabase(Path(folder)) as database:
            await migrate(database.url)
            engine = create_async_engine(engine_url(database.url))
            async with engine.connect() as connection:
                await connection.run_sync(revise)
            await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_write(sys.argv[1]))
