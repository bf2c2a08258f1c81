"""The feed's real code against a service in memory, in simulated time.

A fault that somebody thinks of is added to `faults.py` first. `histories/` has each
history that ever failed, shrunk; all of them are run again.
"""
