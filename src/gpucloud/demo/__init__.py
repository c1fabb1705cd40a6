"""The whole story on one emulated server: bare host, guest with a GPU, host as it was.

Takes a server that runs gpucloud; gives a `Story`: each act with what was seen, and whether the
server was left as it was found. Nothing here is imitated: each act is the program itself.
"""
