"""What people read: tables of a run, in the terminal, as Markdown, CSV and JSON."""
