"""Custom components, importable by tests as by Home Assistant."""
