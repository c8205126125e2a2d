"""The operating system, used safely: files, folders, children, and text from elsewhere."""
