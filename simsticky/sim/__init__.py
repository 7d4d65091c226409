"""The running model: SimPy processes that wait, ask a pure decision, and apply it. The only package that knows SimPy."""
