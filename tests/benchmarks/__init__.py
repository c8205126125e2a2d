"""Measurements of framebench itself: longer than a test may take, and run by hand."""
