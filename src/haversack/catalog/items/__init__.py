"""Items of every kind as a studio manages them."""
