"""Upsell: what a shop offers beside what a player came for; one configuration for each project."""
