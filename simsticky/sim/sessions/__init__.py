"""Sessions as Python sees them: a view of each in the columns of the plane, and the registry of those alive."""
