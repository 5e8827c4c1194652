"""Reward chains on the wire: what a studio writes and reads of them, and what a player sees."""
