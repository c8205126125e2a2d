"""The networks, as expert users of Flax write them. Layers have the tasks' parameter names."""
