"""Advice: which framework suits whom, by what a run measured and by dated facts."""
