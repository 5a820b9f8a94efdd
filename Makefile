# SPDX-License-Identifier: MIT
# The front door. Everything is built by CMake under build/; this file only names the jobs.
#   make run      install what is missing, build, serve on port 12345
#   make check    install what is missing, build, pass all tests
#   make bench    install what is missing, build, measure: docs/performance.md (ROWS="echo64 idle" chooses)
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
# One more than there are processors: many tests mostly wait.
AT_ONCE ?= $(shell expr $(JOBS) + 1)
CTEST = ctest --output-on-failure --no-tests=error -j $(AT_ONCE)

.PHONY: all configure run check check-asan check-tsan check-musl check-aarch64 check-interop limits stress storm bench bench-quick bench-build accept deps \
        deps-check install audit clean

all: configure
	cmake --build build/release -j $(JOBS)

run: deps
	@$(MAKE) --no-print-directory all
	@tools/run build/release/bin/hawser

check: deps-check
	cmake --preset check
	cmake --build build/check -j $(JOBS)
	cd build/check && $(CTEST)

check-asan: deps-check
	cmake --preset asan
	cmake --build build/asan -j $(JOBS)
	cd build/asan && UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1 $(CTEST)

check-tsan: deps-check
	cmake --preset tsan
	cmake --build build/tsan -j $(JOBS)
	cd build/tsan && $(CTEST) -L 'unit|engine|fiber|stress'

# A million fibers, 19,900 connections: some 5 GB of memory, and a hard limit of 20,000 descriptors.
limits: deps-check
	cmake --preset check
	cmake --build build/check -j $(JOBS)
	cd build/check && HAWSER_LIMITS=whole $(CTEST) -V -R '^limits/'

# Long: STEPS random calls on each engine, on 2 workers and on 4.
STEPS ?= 10000000
stress: deps-check
	cmake --preset check
	cmake --build build/check -j $(JOBS) --target stress
	for engine in epoll uring poll; do for workers in 2 4; do \
	    build/check/tests/stress --steps $(STEPS) --engine $$engine --workers $$workers --actors 1000 || exit 1; done; done

# Ten million worlds, some twenty minutes on two processors, from seeds of the moment. SEEDS=N: others; STORMS=N: fewer, or more.
STORMS ?= 10000000
SEEDS ?= $(shell date +%s)000000
storm: deps-check
	cmake --preset check
	cmake --build build/check -j $(JOBS) --target storm storm_planted differential
	tests/storm/run build/check/tests $(STORMS) $(SEEDS)

check-musl: deps-check
	@tools/deps musl
	cmake --preset musl
	cmake --build build/musl -j $(JOBS)
	cd build/musl && $(CTEST)

# The tests of fibers and their scheduler, on another processor. On one core, because qemu 7.2 lets a load overtake the store
# before it where aarch64 does not, and wake-ups are lost.
SCHEDULER = $(basename $(notdir $(wildcard src/fiber/*.c src/sched/*.c)))
ONE_CORE = taskset -c $$(taskset -cp $$$$ | sed 's/.*: *//; s/[-,].*//')
check-aarch64: deps-check
	@tools/deps aarch64
	cmake --preset aarch64
	cmake --build build/aarch64 -j $(JOBS)
	cd build/aarch64 && $(ONE_CORE) $(CTEST) -R 'unit/test_($(subst $() ,|,$(SCHEDULER)))(_[a-z]+)?$$'

check-interop: deps-check
	cmake --preset check
	cmake --build build/check -j $(JOBS)
	cd build/check && $(CTEST) -L 'interop|stories'

bench: bench-build
	/usr/bin/python3 bench/run.py --build build/bench/bench --report build/bench/report.md --rows "$(ROWS)" $(BENCH)

bench-quick: bench-build
	/usr/bin/python3 bench/run.py --build build/bench/bench --quick --rows "$(ROWS)"

# The absolute figures: of the library's parts, and of what a server promises (tests/serving).
accept: bench-build deps-check
	/usr/bin/python3 bench/accept.py --build build/bench/bench
	cmake --preset check
	cmake --build build/check -j $(JOBS) --target serving
	cd build/check && HAWSER_ACCEPT=1 $(CTEST) -V -j 1 -L serving

# Peers that cannot be installed are left out, and the report says so.
bench-build:
	@tools/deps build
	@tools/deps bench || echo "going on without the packages that are missing"
	cmake --preset bench
	cmake --build build/bench -j $(JOBS)

deps:
	@tools/deps build

deps-check:
	@tools/deps build check

install: all
	cmake --install build/release --prefix $(PREFIX)
	@test -n "$(DESTDIR)" || ! test -w /etc/ld.so.cache || ldconfig

audit:
	@tools/audit

clean:
	rm -rf build

configure:
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) > /dev/null
