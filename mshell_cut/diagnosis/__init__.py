"""What `mshell-cut doctor` looks at, on this machine and in a project."""
