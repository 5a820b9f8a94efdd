# SPDX-License-Identifier: MIT
"""tools/gdb/hawser-gdb.py: fibers of a stopped program, and of its core file, are listed and have backtraces."""
import os
import re
import resource
import shutil
import subprocess

import pytest

from house import BUILD, CC, SOURCE, flags

pytestmark = [pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is not installed"),
              pytest.mark.skipif(os.environ.get("HAWSER_SWITCH") == "sigjmp",
                                 reason="what setjmp leaves on a stack is for the C library alone to read")]

PROGRAM = r"""
#include <hawser.h>
#include <stdlib.h>

static hawser_semaphore *tide;
static int storm;

static int wait_for_tide(int depth, const char *ship) {
    int fathoms = depth * 6 + 1;
    if (depth == 0)
        return hawser_semaphore_acquire(tide) < 0 ? -1 : ship[0];
    return wait_for_tide(depth - 1, ship) + fathoms;
}

static int moor(void *ship) {
    return wait_for_tide(2, ship);
}

static int sleep_below(void *arg) {
    (void)arg;
    return hawser_sleep(1000);
}

static int not_yet(void *arg) {
    (void)arg;
    return 0;
}

/* What a worker is given runs in that order: when its next fiber has ended, those before it wait. */
static void all_settle(void) {
    hawser_group *next = hawser_group_open(NULL);
    for (int worker = 1; worker <= 2; worker++)
        hawser_go_with(&(hawser_go_options){.worker = worker, .group = next}, not_yet, 0);
    hawser_group_wait(next);
    hawser_group_close(next);
}

__attribute__((noinline)) void look_around(void) {
    if (storm)
        abort();
}

static int command(void *arg) {
    (void)arg;
    hawser_go_with(&(hawser_go_options){.name = "Anna"}, moor, "Anna");
    hawser_go(moor, "Berta");
    hawser_go_on(2, sleep_below, 0);
    all_settle();
    hawser_go(not_yet, 0);
    look_around();
    hawser_run_cancel();
    return 0;
}

int main(int argc, char **argv) {
    (void)argv;
    storm = argc > 1;
    tide = hawser_semaphore_new(0);
    return hawser_run(command, 0, &(hawser_run_options){.workers = 2});
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gdb")
    source, binary = folder / "harbour.c", folder / "harbour"
    source.write_text(PROGRAM)
    subprocess.run([CC, "-g", "-O0", *flags(), f"-I{SOURCE / 'include'}", source, BUILD / "lib/libhawser.a", "-lpthread",
                    "-o", binary], check=True, timeout=120)
    return binary


def gdb(*arguments):
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "LC_ALL": "C", "DEBUGINFOD_URLS": ""}
    result = subprocess.run(["gdb", "-nx", "-q", "-batch", "-x", SOURCE / "tools/gdb/hawser-gdb.py", *arguments],
                            capture_output=True, text=True, timeout=120, env=env)
    if "ptrace: Operation not permitted" in result.stderr:
        pytest.skip("this machine does not let gdb trace a program")
    return result.stdout + result.stderr


def look(program, *commands):
    each = [word for command in commands for word in ("-ex", command)]
    return gdb("-ex", "break look_around", "-ex", "run", *each, program)


def functions(backtrace):
    """The functions of a backtrace, innermost first."""
    return re.findall(r"^#\d+ +(?:0x\w+ in )?(\w+) ", backtrace, flags=re.M)


def check_list(output):
    rows = [line.split(None, 3) for line in output.splitlines() if re.match(r" +1/\d+ ", line)]
    assert [row[0] for row in rows] == ["1/1", "1/2", "1/3", "1/7", "1/4"], output   # by worker
    assert re.search(r"^ +1/1 +1 +runs on thread \d +main$", output, flags=re.M), output
    assert re.search(r"^ +1/2 +1 +\d+\.\d+ +waits: semaphore .* Anna$", output, flags=re.M), output
    assert re.search(r"^ +1/3 +1 +\d+\.\d+ +waits: semaphore .* moor$", output, flags=re.M), output
    assert re.search(r"^ +1/4 +2 +\d+\.\d+ +waits: sleep +sleep_below$", output, flags=re.M), output
    assert re.search(r"^ +1/7 +1 +ready +not_yet$", output, flags=re.M), output
    assert "\n5 fibers\n" in output


def switch_is_ours():
    """libc's ucontext leaves frames without a name where a context begins."""
    names = subprocess.run(["nm", BUILD / "lib/libhawser.a"], check=True, capture_output=True, text=True).stdout
    return "hawser__switch_first" in names


def check_backtraces(output):
    each = dict(re.findall(r"^fiber 1/(\d) .*\n((?:#.*\n)+)", output, flags=re.M))
    assert sorted(each) == ["1", "2", "3", "4", "7"], output
    assert "look_around command" in " ".join(functions(each["1"]))
    for number, ship in (("2", "Anna"), ("3", "Berta")):
        names = functions(each[number])
        start = names.index("wait_for_tide")
        assert names[start:start + 4] == ["wait_for_tide"] * 3 + ["moor"]
        assert f'"{ship}"' in each[number]
        assert "hawser_semaphore_acquire" in names[:start]
    assert "sleep_below" in functions(each["4"])
    for backtrace in each.values():
        levels = [int(level) for level in re.findall(r"^#(\d+)", backtrace, flags=re.M)]
        assert levels == list(range(len(levels)))
        assert "corrupt" not in backtrace
        assert not switch_is_ours() or functions(backtrace)[-1] == "hawser__switch_first"
        assert not switch_is_ours() or "??" not in backtrace


def test_the_fibers_of_a_stopped_program_are_listed(program):
    check_list(look(program, "hawser fibers"))


def test_every_fiber_has_a_backtrace_that_ends(program):
    check_backtraces(look(program, "hawser bt all"))


def test_one_fiber_is_named_by_its_number(program):
    output = look(program, "hawser bt 3", "hawser bt 1/2")
    assert output.index('"Berta"') < output.index('"Anna"')
    assert "sleep_below" not in output


def test_the_frames_of_a_selected_fiber_can_be_looked_into(program):
    output = look(program, "hawser select 2", "backtrace", "frame function wait_for_tide", "info locals", "hawser select off",
                  "backtrace")
    assert "\nfathoms = 1\n" in output
    assert functions(output[output.index("fathoms = 1"):])[:2] == ["look_around", "command"]


def test_looking_changes_nothing(program):
    output = look(program, "hawser fibers", "hawser bt all", "hawser select 2", "backtrace", "hawser select off", "continue")
    assert "exited normally" in output


def allow_core():
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def test_a_core_file_serves_as_well(program, tmp_path):
    if flags():
        pytest.skip("a sanitizer's core file would be as large as its address space")
    subprocess.run([program, "storm"], cwd=tmp_path, preexec_fn=allow_core, capture_output=True, timeout=120)
    core = next(tmp_path.glob("core*"), None)
    if not core:
        pytest.skip("this machine writes no core files, or elsewhere")
    output = gdb("-ex", "hawser fibers", "-ex", "hawser bt all", program, core)
    check_list(output)
    check_backtraces(output)


@pytest.mark.parametrize("argument, answer", [("99", "there is no fiber 99"), ("2/1", "there is no fiber 2/1"),
                                              ("", "a fiber is named by its number"), ("x", "a fiber is named by its number")])
def test_a_fiber_that_is_not_there_is_refused(program, argument, answer):
    assert answer in look(program, f"hawser bt {argument}")


def test_a_program_that_does_not_run_has_no_fibers(program):
    assert "the program is not being run" in gdb("-ex", "hawser fibers", program)
