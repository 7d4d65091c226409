"""Access logs of real gateways: read line by line, sessions and rollouts recovered from them.

:func:`~simsticky.logs.read.read_logs` is the door. :mod:`~simsticky.logs.requests` is what comes out, and all that
fitting and backtesting need; :mod:`~simsticky.logs.formats` holds one module a format.
"""
