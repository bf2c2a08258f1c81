"""Tests of what becomes of a log."""
