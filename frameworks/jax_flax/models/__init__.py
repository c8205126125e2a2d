"""The networks, as expert users of Flax write them. Layers bear the tasks' parameter names."""
