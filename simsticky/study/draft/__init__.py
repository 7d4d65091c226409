"""The draft of a scenario: what manifests say, what somebody stated, and guesses for the rest, each marked as such."""
