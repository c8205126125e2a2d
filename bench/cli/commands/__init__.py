"""The commands of `framebench`, one file each. What a command needs is imported when it runs."""
