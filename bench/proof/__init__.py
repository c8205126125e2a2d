"""Proofs that a cell trains its task: checks against the reference, certificates, their cache."""
