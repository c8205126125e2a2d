"""framebench: the same training tasks in every deep-learning framework, proved equal and timed."""

__version__ = "0.2.0"
