"""``recommend``: the cheapest setting that keeps its thresholds, and why."""
