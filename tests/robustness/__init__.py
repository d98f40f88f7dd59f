"""Nothing that a file says can crash or hang the language."""
