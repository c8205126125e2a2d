"""The reference: each task as its definition states it, in numpy, differentiated by autograd.

Frameworks are compared with it in float64. It is written to be read and checked, not to be fast.
"""
