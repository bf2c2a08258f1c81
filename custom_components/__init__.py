"""Custom components, importable by the tests as Home Assistant imports them."""
