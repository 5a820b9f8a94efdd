# SPDX-License-Identifier: MIT
# The front door. Everything is built by CMake under build/; this file only names the jobs.
#   make run      install what is missing, build, serve on port 12345
#   make check    install what is missing, build, pass all tests
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
CTEST = ctest --output-on-failure --no-tests=error -j $(JOBS)

.PHONY: all configure run check check-asan check-tsan check-interop deps deps-check install audit clean

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
	cd build/asan && UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 $(CTEST)

check-tsan: deps-check
	cmake --preset tsan
	cmake --build build/tsan -j $(JOBS)
	cd build/tsan && $(CTEST) -L 'unit|engine'

check-interop: deps-check
	cmake --preset check
	cmake --build build/check -j $(JOBS)
	cd build/check && $(CTEST) -L 'interop|stories'

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
