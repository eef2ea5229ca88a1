"""What in a passage proves something, and how it is cited."""
