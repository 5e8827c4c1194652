"""Reward chains: steps that open by value points, a player's own or those of a clan."""
