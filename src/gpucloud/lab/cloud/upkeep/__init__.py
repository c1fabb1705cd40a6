"""A cloud that runs: its services started again, told of GPUs, and watched.

Takes the folder of a cloud that is up. Whoever starts a process of it writes that down under `start.alone`,
so that ``down`` knows of every one.
"""
