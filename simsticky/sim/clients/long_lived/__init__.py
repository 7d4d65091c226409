"""Clients that hold a connection (docs/model.md, rules V): how they get it, what they send, and how they lose it."""
