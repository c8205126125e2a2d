"""One folder a framework. Each is found by its `framework.toml`; no list of them is kept anywhere."""
