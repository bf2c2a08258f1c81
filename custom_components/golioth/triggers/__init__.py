"""Triggers on logs, and on silent devices."""
