"""The networks, as expert users of PyTorch write them. Layers bear the tasks' parameter names."""
