"""Advice as sentences, tables and JSON."""
