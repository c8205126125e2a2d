"""Two runs held against each other: what became faster or slower, and whether that may pass."""
