"""Limits: how many of something there are, for all and for each player, and when a player may buy again."""
