"""What the data sets share: finding, fetching, reading archives, keeping, and making twins."""
