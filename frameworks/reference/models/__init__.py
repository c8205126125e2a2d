"""The networks as formulas: `logits(params, x, dropout)`, with canonical parameters and layouts."""
