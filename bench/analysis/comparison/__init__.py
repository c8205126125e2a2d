"""Two runs compared: which cells became faster or slower, and whether a gate passes."""
