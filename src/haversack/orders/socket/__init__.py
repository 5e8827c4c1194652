"""The order-status socket: a game hears of its player's orders as they move."""
