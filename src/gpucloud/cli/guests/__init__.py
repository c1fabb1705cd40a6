"""``gpucloud launch``, ``list``, ``show``, ``console``, ``destroy``: guests here, or in a cloud."""
