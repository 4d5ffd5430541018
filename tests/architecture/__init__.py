"""What holds for the project as a whole: layers, the public surface, the documentation."""
