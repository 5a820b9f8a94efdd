# SPDX-License-Identifier: MIT
"""The checks themselves: what is planted in tests/planted is seen inside fibers, and where nothing is planted nothing is."""
import functools
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from house import BUILD, CC, SOURCE, flags

ENGINES = os.environ.get("HAWSER_ENGINES", "epoll poll").split()
SANITIZE = os.environ.get("HAWSER_SANITIZE", "").split(",")   # of this build; [""]: it has none
LAYERS = ("base", "fiber", "sched", "engine")                 # all that a fiber needs


def compile_sanitized(unit, sanitizer, folder):
    """Compiles a file of the library as this build does, but for SANITIZER."""
    made = folder / (re.sub(r"\W", "_", unit["file"]) + ".o")
    command = shlex.split(unit["command"])
    command[command.index("-o") + 1] = made
    subprocess.run([*command, "-O1", "-g1", "-w", f"-fsanitize={sanitizer}", "-fno-omit-frame-pointer"], cwd=unit["directory"],
                   check=True, timeout=120)
    return made


def library(sanitizer, folder):
    """The library, or as much of it as is needed here, with SANITIZER: what a program has to be linked with."""
    if sanitizer in SANITIZE:
        return [BUILD / "lib/libhawser.a"]
    units = [unit for unit in json.loads((BUILD / "compile_commands.json").read_text())
             if "/hawser_objects.dir/" in unit["command"] and Path(unit["file"]).parent.name in LAYERS]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda unit: compile_sanitized(unit, sanitizer, folder), units))
    return [*made, *(BUILD / "liburing").glob("*.o*")]   # what the build has taken out of liburing's archive, if anything


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """planted(NAME, SANITIZER): the program of tests/planted, compiled with it; "": with none."""
    @functools.lru_cache(None)
    def objects(sanitizer):
        return library(sanitizer, tmp_path_factory.mktemp(sanitizer or "plain"))

    @functools.lru_cache(None)
    def program(name, sanitizer):
        if SANITIZE != [""] and sanitizer not in SANITIZE:
            pytest.skip(f"this build has -fsanitize={','.join(SANITIZE)}, which does not go with this")
        if sanitizer and os.environ.get("HAWSER_SWITCH") == "sigjmp":
            pytest.skip("sanitizers are not told about this switch")
        binary = tmp_path_factory.mktemp(name) / name
        sanitize = flags() if sanitizer in SANITIZE else [f"-fsanitize={sanitizer}"]
        subprocess.run([CC, "-g", "-O1", "-fno-omit-frame-pointer", *sanitize, f"-I{SOURCE / 'include'}",
                        SOURCE / f"tests/planted/{name}.c", *objects(sanitizer), "-rdynamic", "-lpthread", "-o", binary],
                       check=True, timeout=120)
        return binary
    return program


def without_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(*command, **options):
    """Runs a program, with OPTIONS in its environment instead of those of sanitizers and of the library that are there."""
    env = {name: value for name, value in os.environ.items() if not re.fullmatch(r"\w+SAN_OPTIONS|HAWSER_\w+", name)}
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**env, **options},
                            preexec_fn=without_core)
    return result.returncode, result.stdout, result.stderr


SWAPPED = r"==\d+==WARNING: ASan doesn't fully support makecontext/swapcontext .*\n"   # it says so at the first one, of any


def run_address(*command, after_return=0):
    code, output, report = run(*command, ASAN_OPTIONS=f"detect_leaks=0:detect_stack_use_after_return={after_return}")
    return code, output, re.sub(SWAPPED, "", report)


MISPLACED = "unexpected memory mapping"   # where the kernel spreads addresses further than this ThreadSanitizer knows


def run_thread(*command, **options):
    result = run(*command, **options)
    if MISPLACED in result[2] and shutil.which("setarch"):
        result = run("setarch", "-R", *command, **options)
    if MISPLACED in result[2] or result[2].startswith("setarch:"):
        pytest.fail("ThreadSanitizer cannot run on this machine, which spreads addresses too far (sysctl vm.mmap_rnd_bits) and "
                    f"does not let setarch -R prevent it: {result[2]}")
    return result


def stacks(report):
    """The functions of each stack in the first report, innermost first, those of the sanitizer left out."""
    each = re.split(r"^ +#0 ", report.split("SUMMARY:")[0], flags=re.M)[1:]
    names = [re.findall(r"^(?: +#\d+ )?(?:0x\w+ in )?(\w+) .*:\d+", stack.split("\n\n")[0], flags=re.M) for stack in each]
    return [[name for name in stack if not re.match("__interceptor|malloc", name)] for stack in names]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_race_between_two_workers_is_reported(planted, engine):
    code, _, report = run_thread(planted("race", "thread"), "nobody", HAWSER_ENGINE=engine)
    assert code == 66, report
    assert "WARNING: ThreadSanitizer: data race" in report
    assert "Location is global 'count'" in report
    adding, added, *born = stacks(report)
    assert (adding[:2], added[:2]) == (["add", "run_fiber"], ["add", "run_fiber"]), report
    assert len(born) == 2 and all("command" in stack for stack in born), report   # where the fibers were started, not workers


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("way", ["mutex", "channel"])
def test_what_a_lock_or_a_channel_orders_is_no_race(planted, way, engine):
    assert run_thread(planted("race", "thread"), way, HAWSER_ENGINE=engine) == (0, "1000\n", "")


OVERFLOWED = r'hawser: fiber 2(?: "(.*)")? \(started with look_for_gold\) overflowed its stack of (\d+) bytes\n'


@pytest.mark.parametrize("worker, name, stack_size", [("1", "Anna", 0), ("2", "Anna", 0), ("2", "", 0), ("1", "Anna", 1 << 18),
                                                      ("2", "Anna", 1 << 18), ("2", "", 1 << 18), ("2", "", 1 << 13)])
@pytest.mark.parametrize("depth", ["0", "-1"])
def test_an_overflow_names_the_fiber_and_its_function(planted, worker, name, stack_size, depth):
    if depth == "-1" and stack_size > 100000:
        pytest.skip("the array has room there")
    code, _, report = run(planted("overflow", ""), worker, name, str(stack_size), depth)
    assert code == -signal.SIGSEGV
    said = re.fullmatch(OVERFLOWED, report)
    assert said and (said[1] or "") == name, report
    assert int(said[2]) == (stack_size or 1 << 16)


@pytest.mark.parametrize("stack_size, depth, code", [(0, 100, 0), (0, 1000, -signal.SIGSEGV), (1 << 20, 1000, 0)])
def test_a_fiber_with_a_stack_of_its_own_has_that_much_room(planted, stack_size, depth, code):
    assert run(planted("overflow", ""), "2", "Anna", str(stack_size), str(depth))[0] == code


@pytest.mark.parametrize("sanitizer, run_it", [("address", run_address), ("thread", run_thread)])
@pytest.mark.parametrize("stack_size", [0, 1 << 18])
def test_an_overflow_is_left_to_the_sanitizer_that_there_is(planted, sanitizer, run_it, stack_size):
    code, _, report = run_it(planted("overflow", sanitizer), "2", "Anna", str(stack_size), "0")
    assert code > 0
    assert "Sanitizer: stack-overflow on address" in report
    assert stacks(report)[0][:9] == ["dig"] * 9, report
    assert "overflowed" not in report


def test_a_write_past_the_end_of_memory_is_reported(planted):
    code, _, report = run_address(planted("heap", "address"), "17")
    assert code > 0
    assert "ERROR: AddressSanitizer: heap-buffer-overflow" in report
    written, allocated = stacks(report)[:2]
    assert (written[:3], allocated[:2]) == (["load", "sail", "run_fiber"], ["sail", "run_fiber"]), report


def test_a_write_up_to_the_end_of_memory_is_not(planted):
    assert run_address(planted("heap", "address"), "16") == (0, "", "")


def test_a_variable_of_a_function_that_has_returned_is_not_read_unseen(planted):
    code, _, report = run_address(planted("stack", "address"), "returned", after_return=1)
    assert code > 0
    assert "ERROR: AddressSanitizer: stack-use-after-return" in report
    assert stacks(report)[0][:3] == ["take", "borrow", "run_fiber"], report


# Where the variable was is no memory any more: with this option variables have places of their own, which go with the fiber.
def test_a_variable_of_a_fiber_that_has_ended_is_not_read_unseen_on_its_stack(planted):
    code, _, report = run_address(planted("stack", "address"), "ended", after_return=1)
    assert code > 0
    assert report.startswith("the same stack\n")
    assert re.search("ERROR: AddressSanitizer: (SEGV on unknown address|stack-use-after-return)", report), report
    assert stacks(report)[0][:3] == ["take", "borrow", "run_fiber"], report


@pytest.mark.parametrize("after_return", [0, 1])
def test_a_variable_of_a_fiber_that_waits_may_be_read_by_others(planted, after_return):
    assert run_address(planted("stack", "address"), "lent", after_return=after_return) == (0, "", "")


DUG = (0, "1000 returned, 1000 cancelled, 2000 ended\n", "")


@pytest.mark.parametrize("after_return", [0, 1])
def test_fibers_that_come_and_go_are_no_fault_of_memory(planted, after_return):
    assert run_address(planted("nothing", "address"), after_return=after_return) == DUG


def test_fibers_that_come_and_go_are_no_race(planted):
    assert run_thread(planted("nothing", "thread")) == DUG
