"""The contract between runner and workers. Imports only numpy and the standard library."""
