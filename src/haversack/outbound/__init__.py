"""Calls that the server makes to addresses which somebody else wrote down."""
