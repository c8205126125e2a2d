"""MXNet Gluon as a framework of framebench."""
