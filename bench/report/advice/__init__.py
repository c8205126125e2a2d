"""The advice in sentences and tables."""
