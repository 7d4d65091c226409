"""``check``: a scenario against its thresholds, and against what it was before."""
