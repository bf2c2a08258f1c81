"""Check the repository's files, without a network."""
