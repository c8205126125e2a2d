"""Published runs and their index."""
