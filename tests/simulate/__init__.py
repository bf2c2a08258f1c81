"""Run the real feed against a service in memory.

Time is simulated. To cover a new fault, add it to `faults.py` first. `histories/` has
every history that ever failed, shrunk; all of them are run again.
"""
