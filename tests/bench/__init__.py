"""Measure the cost of a log beside its floor.

The floor is the cost that the same work cannot fall below.
"""
