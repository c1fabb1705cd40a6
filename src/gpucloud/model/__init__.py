"""The words that everything speaks: values only, standard library only, no input and no output.

Takes nothing from the rest of the package; every other room takes its types from here.
"""
