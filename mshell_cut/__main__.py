"""`python -m mshell_cut`."""

from mshell_cut.cli import main

main()
