"""The networks as formulas: `forward(params, *inputs, dropout)`, in canonical layouts."""
