"""The data plane: the sessions that are alive, and the loop that sends their requests."""
