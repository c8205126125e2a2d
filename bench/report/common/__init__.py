"""Text, tables, charts and templates that several reports share."""
