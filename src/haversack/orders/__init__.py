"""Orders: from what was asked for to what was received, and back."""
