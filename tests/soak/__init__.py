"""A soak: the integration under load, while everything around it fails by a seeded schedule."""
