"""The report of one run: tables, charts, ledger, page, files."""
