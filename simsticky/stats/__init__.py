"""Statistics: arrays in, numbers out. Nothing here knows sessions, pods or SimPy."""
