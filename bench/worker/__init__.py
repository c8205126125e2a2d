"""Inside a worker: the process that holds one framework, its clock, its training and its proofs."""
