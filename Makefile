# A second name for ./run, for hands that type make.
.PHONY: demo check test test-lab bench setup
demo check test test-lab bench setup:
	@./run $@
