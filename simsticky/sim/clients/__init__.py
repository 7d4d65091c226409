"""The clients: who comes and when, what they send, and what became of them."""
