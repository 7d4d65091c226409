"""Blocks as people and machines read them: a module for each place, and none knows what the blocks are about."""
