"""Bringing a whole catalog in and out as JSON."""
