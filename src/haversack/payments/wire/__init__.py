"""What clients and servers send to payment calls, and what they get."""
