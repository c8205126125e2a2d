"""A comparison of two runs as tables, lines, CSV and JSON."""
