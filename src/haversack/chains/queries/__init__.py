"""Statements of chains: what they are, what players have taken, value points and clans."""
