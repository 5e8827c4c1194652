"""Codes of game keys, pre-order limits and the entitlements that codes give."""
