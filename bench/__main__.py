"""`python -m bench` is the command `framebench`."""

from bench.cli import main

main()
