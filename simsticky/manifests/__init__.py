"""What may stand in a manifest, and what each field of it does here; pure, on plain data."""
