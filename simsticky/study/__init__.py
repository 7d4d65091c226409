"""Many runs: replications of one scenario, everything through ``simulate(scenario, seed, replication)``."""
