"""The timeline: what is done to the application and the cluster, and when it has had its effect."""
