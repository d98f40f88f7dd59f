"""A stand-in for CuPy where there is no GPU."""
