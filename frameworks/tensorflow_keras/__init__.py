"""TensorFlow with Keras's layers, as a framework of framebench."""
