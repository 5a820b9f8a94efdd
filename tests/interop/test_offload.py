# SPDX-License-Identifier: MIT
"""The example of offloading, and what numeric hosts do not need: threads, files, sockets."""
import re

ANSWER = r"below 1000000 the longest way has 837799, and there were (\d+) ticks\n"


def test_a_fiber_ticks_while_another_one_computes_elsewhere(desk):
    said = desk.example("36_offload").ends()
    ticks = re.fullmatch(rf"((?:tick\n)*){ANSWER}(?:tick\n)?", said)
    assert ticks, said
    assert ticks[1].count("tick") == int(ticks[2]) >= 1


def test_computing_on_the_spot_lets_nobody_tick(desk):
    assert re.fullmatch(ANSWER, desk.example("36_offload", "here").ends())[1] == "0"


def calls_of(desk, tmp_path, host):
    """The system calls of the example that looks HOST up, all its threads included."""
    trace = tmp_path / "trace"
    program = desk.run("env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-qq", "-o", trace,
                       desk.example_path("04_host_address"), host)
    said = program.ends()
    lines = [line.split(None, 1)[1] for line in trace.read_text().splitlines()]
    return said, [line for line in lines if not line.startswith(("+++", "---"))]


def names_of(calls):
    return {call.split("(")[0] for call in calls}


def test_a_numeric_host_needs_no_thread_no_file_and_no_socket(desk, tmp_path):
    said, calls = calls_of(desk, tmp_path, "192.0.2.7")
    assert said == "192.0.2.7\n"
    assert not names_of(calls) & {"clone", "clone3", "socket", "connect", "poll", "ppoll"}
    assert not [call for call in calls if "/etc/" in call and "ld.so" not in call]


def test_a_name_is_looked_up_on_a_thread_of_its_own(desk, tmp_path):
    said, calls = calls_of(desk, tmp_path, "localhost")
    assert said == "127.0.0.1\n"
    assert names_of(calls) & {"clone", "clone3"}
    assert [call for call in calls if "/etc/" in call and "ld.so" not in call]
