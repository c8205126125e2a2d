"""The networks, as an expert user of Gluon writes them. Layers have the tasks' parameter names."""
