"""What goes on in the demo's shop: promotions, codes, a rule of who sees what, chains, an upsell."""
