"""What studios and players send to promotions with codes, and what they read of them."""
