"""The networks, as an expert user of Gluon writes them. Layers bear the tasks' parameter names."""
