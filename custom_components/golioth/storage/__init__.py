"""Data of a project that outlives reloads and restarts."""
