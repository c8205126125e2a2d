"""The reference: each task written down as its definition, in numpy, differentiated by autograd.

Frameworks are compared with it in float64. It is written to be read and checked, not to be fast.
"""
