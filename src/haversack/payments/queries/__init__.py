"""Reads and writes of payments: one module for each table or two."""
