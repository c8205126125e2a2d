"""The networks, as expert users of PyTorch write them. Layers have the tasks' parameter names."""
