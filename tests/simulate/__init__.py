"""The feed's real code against a service in memory, in simulated time."""
