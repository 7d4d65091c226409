"""The running model: SimPy processes that wait, ask a pure decision, and apply it. Only this package knows SimPy."""
