"""A cluster: Ray gives the blocks of a run to nodes, one at a time to each."""
