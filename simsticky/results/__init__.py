"""From a recording to numbers: the metrics and their definitions, the frames, the story, the result."""
