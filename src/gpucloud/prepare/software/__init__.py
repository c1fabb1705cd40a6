"""NVIDIA's software as steps: the vGPU manager of a host, from the operator's package; a guest's licence."""
