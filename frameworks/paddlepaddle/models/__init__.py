"""The networks, as expert users of PaddlePaddle write them.

Layers have the tasks' parameter names.
"""
