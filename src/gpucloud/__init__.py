"""gpucloud: turn servers that hold GPUs into a GPU cloud, and keep that cloud healthy."""

__version__ = "0.1.0"
