"""What a server is: takes a TOML file, gives a checked `Topology`."""
