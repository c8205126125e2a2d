"""What every kind of page shares."""
