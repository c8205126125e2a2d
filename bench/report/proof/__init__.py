"""Certificates as tables and pages."""
