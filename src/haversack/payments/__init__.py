"""Payments: tokens that open the payment page, the page, and the providers behind it."""
