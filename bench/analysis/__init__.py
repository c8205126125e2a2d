"""From records to figures: estimates, intervals, contention, and comparisons of runs."""
