"""Proofs that a cell trains its task: traces, checks against the reference, certificates."""
