"""Why an item is shown and sold to somebody, or is not, and why it costs what it does."""
