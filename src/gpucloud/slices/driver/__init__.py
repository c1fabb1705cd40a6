"""NVIDIA's vGPU manager on a host: which package there is, is it for the host, what is to do. Pure.

Takes the first bytes of a package (.deb, .rpm, .run), the host, and the guests' driver; gives the steps with
the commands that do them, look at them and take them back, or the reasons against it. Nothing is downloaded.
"""
