"""Haversack: a self-hosted game-commerce server."""
