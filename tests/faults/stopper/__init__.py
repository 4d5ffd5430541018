"""An app that stops its process at a named place, so that a test can kill it exactly there."""
