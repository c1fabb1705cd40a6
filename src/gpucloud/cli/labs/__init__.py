"""Parts of ``gpucloud lab`` that are groups of commands themselves."""
