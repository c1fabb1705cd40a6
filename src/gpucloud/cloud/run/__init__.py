"""A command run in guests: they are launched, their output and exit codes collected, and all of it ended.

Any `gpucloud.cloud.protocol.Cloud` will do: the command comes with cloud-init's user data, and its result is
printed on the console, which every cloud can read.
"""
