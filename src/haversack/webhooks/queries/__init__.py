"""Reads and writes of webhooks, by table: endpoints, the outbox, lanes, results, and what the inspector shows."""
