"""Settings by their paths: which there are, their units, changes, and values that follow others."""
