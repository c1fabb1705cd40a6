"""What people hand over, before anybody reads it: bytes into text, YAML and JSON into plain maps.

Takes bytes of unknown origin; gives text and what was left out. Pure: the command line opens the files.
"""
