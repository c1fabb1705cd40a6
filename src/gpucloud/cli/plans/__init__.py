"""What plan and apply are given and show: plans in files, plans of a spec, and the watch on what is done."""
