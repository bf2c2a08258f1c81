"""Tests of Golioth for Home Assistant."""
