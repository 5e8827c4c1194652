"""The compiled catalog that clients are served from."""
