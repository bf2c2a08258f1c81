"""A client of Golioth's logs: models of what it sends, one connection each, and a feed that owns the policy."""
