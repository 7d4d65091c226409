"""What in manifests and scenarios breaks sessions, or does not do what it says: rules with stable numbers.

:mod:`~simsticky.lint.inputs` reads what a person names, :mod:`~simsticky.lint.apps` makes of it what the rules look
at, :mod:`~simsticky.lint.rules` holds the rules, :mod:`~simsticky.lint.engine` applies them.
"""
