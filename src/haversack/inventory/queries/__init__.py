"""Reads and writes of what players own, and of the books."""
