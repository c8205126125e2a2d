"""PaddlePaddle as a framework of framebench."""
