"""TensorFlow/Keras as a framework of framebench."""
