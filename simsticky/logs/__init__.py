"""Access logs of real gateways: read line by line, sessions and rollouts recovered, laws of the traffic fitted.

:func:`~simsticky.logs.read.read_logs` is the door. :mod:`~simsticky.logs.requests` is what comes out, and all that
fitting and backtesting need; :mod:`~simsticky.logs.formats` holds one module a format.
:func:`~simsticky.logs.fit.fit` makes laws of it (:mod:`~simsticky.logs.fitted`), and
:mod:`~simsticky.logs.profile` the file that scenarios take in.
"""
