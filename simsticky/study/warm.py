"""Everything that a replication needs, loaded: importing this is for processes that do nothing but simulate.

What has been imported is thousands of objects that live to the end. Taken out of the garbage collector's sight they
are not looked through again in every replication, which takes a seventh off its time, and a worker that is forked
later shares them with its siblings instead of copying them.
"""

import gc

import numpy.ma  # noqa: F401  # by NumPy, for its unique()

import simsticky.engines
import simsticky.files
import simsticky.progress
import simsticky.results.pod_time
import simsticky.study.chunks
import simsticky.study.recommend.costs
from simsticky.simulate import prepare

prepare()
simsticky.engines.is_installed()
gc.freeze()
