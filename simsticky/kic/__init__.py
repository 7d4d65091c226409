"""What the Kong Ingress Controller decides: from Kubernetes objects to Kong's. Pure: time is an argument."""
