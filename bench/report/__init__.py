"""Reports: results, comparisons, advice and proofs as text, tables, pages and JSON."""
