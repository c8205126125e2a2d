"""`python -m bench` is the command `framebench`."""

from bench.cli.app import main

main()
