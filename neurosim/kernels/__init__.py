"""Compiled kernels: the fixed call signature, the system arrays, sparse LU, functions, expressions and time loops."""
