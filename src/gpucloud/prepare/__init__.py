"""A host made ready: plans, their steps, and the journal that lets every change be taken back."""
