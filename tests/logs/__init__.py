"""Tests of how logs are processed and shown."""
