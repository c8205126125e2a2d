"""Advice: which framework suits whom, judged by what a run measured and by dated facts."""
