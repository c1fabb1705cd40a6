"""How nova goes through a request, a file for each of its parts: pure functions of a case into answers."""
