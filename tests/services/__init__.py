"""Real services for the tests: each module starts one kind, knows its address and stops it."""
