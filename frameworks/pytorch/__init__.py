"""PyTorch as a framework of framebench."""
