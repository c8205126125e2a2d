"""The plug-in's tasks: every other file here defines one, as `TASK`."""
