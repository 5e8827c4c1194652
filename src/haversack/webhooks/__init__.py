"""Webhooks: what the game is told and asked, signed, kept until it has arrived, and shown to the operator."""
