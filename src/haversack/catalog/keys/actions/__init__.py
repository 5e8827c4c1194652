"""Changes of codes, of rights to games, and of pre-order limits."""
