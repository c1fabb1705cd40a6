"""Guests as servers of nova: `gpucloud.cloud.protocol.Cloud` through the compute and image APIs."""
