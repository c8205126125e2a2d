"""The networks, as expert users of PaddlePaddle write them.

Layers bear the tasks' parameter names.
"""
