"""Rules over pasted evidence: what programs said, weighed against what listings and options show."""
