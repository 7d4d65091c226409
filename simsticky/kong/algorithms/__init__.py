"""Kong's load-balancing algorithms, one per module, behind :class:`simsticky.kong.balancer.Algorithm`."""
