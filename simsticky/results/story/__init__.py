"""The story of one replication: its events as an account that somebody who runs clusters would recognise.

Lines that say the same of several Kong nodes are told as one, and those that only repeat their neighbour are left
out. Pods and ReplicaSets go by the last part of their names; the first lines say which is which.

``teller.py`` goes through the events; who speaks of what is in the other modules, one for each group of actors.
"""

from simsticky.results.story.teller import story
from simsticky.results.story.words import short_names

__all__ = ["short_names", "story"]
