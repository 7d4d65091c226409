"""The control plane: the cluster's machines, its controllers, and the ingress controller."""
