"""One folder a framework, found by its `framework.toml`; no list of them is kept anywhere."""
