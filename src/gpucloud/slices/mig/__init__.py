"""MIG: profiles and placements of each model, what NVIDIA's tool and driver show, and mixes packed."""
