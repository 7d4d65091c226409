"""The gateway at work: nodes and workers, attempts, cookies, health checks, and what breaks a session."""
