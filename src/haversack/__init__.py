"""Haversack: a self-hosted game-commerce server."""

__version__ = "0.1.0"
