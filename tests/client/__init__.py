"""Test the client without Home Assistant."""
