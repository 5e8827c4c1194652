"""Players' identity: accounts, tokens, signing keys, attributes and linked platform accounts."""
