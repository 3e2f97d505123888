# tasks.py does the work, on every system; this is for those who like to type `make`.
#   make lab ARGS="--no-browser"      make test ARGS="-k firing"      make lab PYTHON=python3.12

PYTHON ?= python3

.PHONY: help setup align lab test test-long test-all test-machines lint notebooks site slides browser-lesson release test-peers bench
help setup align lab test test-long test-all test-machines lint notebooks site slides browser-lesson release test-peers bench:
	@$(PYTHON) tasks.py $@ $(ARGS)
