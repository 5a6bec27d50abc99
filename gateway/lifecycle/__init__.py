"""A gateway that runs: its processes, its event loop, reloads."""
