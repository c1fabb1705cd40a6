# A second name for ./run, for hands that type make.
.PHONY: demo check test test-lab test-long bench setup
demo check test test-lab test-long bench setup:
	@./run $@
