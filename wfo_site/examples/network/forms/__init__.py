"""What the forms of the example have in common."""
