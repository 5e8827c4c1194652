"""Reads and writes of codes, uploads, rights to games and pre-order limits."""
