"""The catalog: items of every kind on one model, what orders them, and the read model that clients are served from."""
