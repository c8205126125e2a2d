"""Keras as a framework of framebench: compile and fit, on each of its backends."""
