"""A plug-in for framebench: plain numpy, and a perceptron that learns a saddle."""
