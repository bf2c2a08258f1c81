"""Soak the integration under load while everything around fails.

A seed decides the schedule of the faults.
"""
