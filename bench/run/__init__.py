"""A run: the request, the plan made from it, and one job after another."""
