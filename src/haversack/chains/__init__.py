"""Chains: steps that a player opens one by one and takes a reward from, by points, by days or by orders."""
