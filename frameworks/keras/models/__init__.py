"""The networks, as expert users of Keras write them. Layers have the tasks' names."""
