"""What players own: balances of virtual currencies, and every grant with its source."""
