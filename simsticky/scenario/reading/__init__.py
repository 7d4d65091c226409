"""Reading a scenario: files, places in them, and problems told as places."""
