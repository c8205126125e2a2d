"""A task beside its model in every framework, and the inventory of tasks and frameworks."""
