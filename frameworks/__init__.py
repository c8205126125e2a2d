"""One folder for each framework, found by its `framework.toml`; there is no list to edit."""
