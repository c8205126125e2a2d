"""Published runs, and the index of them."""
