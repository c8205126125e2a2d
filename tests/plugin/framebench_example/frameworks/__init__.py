"""The plug-in's framework, and models of its network for frameworks that framebench has."""
