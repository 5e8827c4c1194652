"""PostgreSQL: connections, transactions, table conventions, the embedded server and migrations."""
