"""What is recorded of one replication: a sink, which answers no question of the model."""
