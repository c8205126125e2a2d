"""The reference: each task written down as its definition, in numpy, differentiated by autograd.

Frameworks are held against it in float64. It is made to be read and believed, not to be fast.
"""
