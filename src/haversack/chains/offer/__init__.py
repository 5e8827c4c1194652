"""Offer chains: free and paid steps, one after the other."""
