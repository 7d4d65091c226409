"""What Kubernetes decides: Deployment, ReplicaSet, termination, probes, EndpointSlices, as pure functions.

Nothing here waits, draws or keeps a clock: state and time are arguments, a decision is the result. The
processes of ``simsticky.sim`` wait, ask a decision and apply it.
"""
