"""Merchants, their projects, the keys that open them, and each project's clock and settings."""
