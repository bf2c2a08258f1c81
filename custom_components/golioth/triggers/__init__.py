"""Triggers on logs, and on devices that log nothing."""
