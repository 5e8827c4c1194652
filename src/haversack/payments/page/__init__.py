"""The payment page: what a player sees between a payment token and an order that is paid."""
