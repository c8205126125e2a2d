"""Faults that are really done, and what becomes of them: see docs/reliability.md."""
