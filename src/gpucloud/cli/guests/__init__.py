"""``gpucloud launch``, ``list``, ``show``, ``console``, ``destroy``: guests with GPUs on this machine."""
