"""The networks, as expert users of Keras write them. Layers bear the tasks' parameter names."""
