"""Logs on their way to automations, entities and browsers."""
