"""The history of cells over all runs of a machine, in the terminal, as CSV, JSON and a page."""
