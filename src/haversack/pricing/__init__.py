"""What a line, a cart and an order cost, and why."""
