"""Runs migrations on the connection that `haversack migrate` hands over."""

from alembic import context

from haversack.database.schema import whole_metadata

connection = context.config.attributes["connection"]
# A migration that cannot get its lock gives up instead of queueing every purchase behind it.
connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
connection.exec_driver_sql("SET LOCAL statement_timeout = '15min'")
context.configure(
    connection=connection,
    target_metadata=whole_metadata(),
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=False,
)
context.run_migrations()
