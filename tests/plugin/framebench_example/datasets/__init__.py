"""The plug-in's data sets: every other file here defines one, as `DATASET`."""
