"""A product package of plain workflows for workers in processes of their own to run."""
