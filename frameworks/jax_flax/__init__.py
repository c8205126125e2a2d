"""JAX/Flax as a framework of framebench."""
