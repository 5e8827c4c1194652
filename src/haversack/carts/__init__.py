"""Carts: what a player or guest means to buy."""
