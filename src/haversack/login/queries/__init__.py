"""Reads and writes of players' identity, one module for each group of tables."""
