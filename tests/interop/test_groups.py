# SPDX-License-Identifier: MIT
"""Fibers, deadlines, groups, workers and the proxy: the examples that serve many at once, against telnet, nc and Python."""
import re
import time

import pytest

from desk import SOURCE, leave, until

WELCOME = "Welcome to the server. Type something and hit enter"
CLOSED = "Connection closed by foreign host."
QUIZ = ("What is thick, laid from many fibers, and holds a ship?", "How many results must a read keep apart?",
        "What has no borders between messages?")


def threads(desk, port):
    """How many threads the program that listens at PORT has."""
    status = desk.output("cat", f"/proc/{desk.pid_at(port)}/status")
    return int(re.search(r"^Threads:\s+(\d+)$", status, re.M)[1])


# 30_fibers

def test_fibers_serve_three_telnets_at_once(desk):
    server = desk.listening("30_fibers")
    telnets = [desk.telnet("localhost", 8888) for _ in range(3)]
    for telnet in telnets:
        server.expect(r"Connected with \S+:\d+\r\n")
        telnet.says(WELCOME)
    for text in "hi", "asd", "cv":
        for number, telnet in enumerate(telnets):
            telnet.sendline(f"{text} {number}")
        for number, telnet in reversed(list(enumerate(telnets))):
            telnet.says(f"{text} {number}", f"OK...{text} {number}")


def test_fibers_answer_every_line_of_a_pipe(desk):
    desk.listening("30_fibers")
    lines = [f"line {number}\n" for number in range(5000)]
    assert desk.output("nc", "-N", "::1", 8888, text="".join(lines)) == WELCOME + "\n" + "".join("OK..." + line for line in lines)


def test_fibers_need_no_thread_for_each_of_500_clients(desk):
    desk.listening("30_fibers")
    before = threads(desk, 8888)
    crowd = desk.peer("crowd", 8888, 500)
    crowd.says("500 are welcome")
    assert threads(desk, 8888) == before
    crowd.sendline()
    crowd.says("500 have had their answer")
    crowd.ends()


def test_a_fiber_that_leaves_without_a_word_takes_nobody_with_it(desk):
    desk.listening("30_fibers")
    stays = desk.telnet("localhost", 8888)
    stays.says(WELCOME)
    assert desk.output("nc", "-N", "127.0.0.1", 8888) == WELCOME + "\n"
    stays.sendline("still here")
    stays.says("still here", "OK...still here")


@pytest.mark.parametrize("name", ["30_fibers", "31_deadlines", "38_workers"])
def test_a_taken_port_is_told_in_a_sentence(desk, name):
    desk.listening("30_fibers")
    assert desk.example(name).ends(1).endswith(":8888: Address already in use\n")


# 31_deadlines

def test_who_answers_in_time_hears_the_result(desk):
    desk.listening("31_deadlines")
    telnet = desk.telnet("localhost", 8888)
    for question, answer in zip(QUIZ, ("hawser", "seven", "stream")):
        telnet.expect(rf"\d\.\d s are left. {re.escape(question)}\r\n")
        telnet.sendline(answer)
        telnet.says(answer)
    telnet.says("2 of 3 are right.", CLOSED)


def test_the_time_for_one_answer_runs_out(desk):
    desk.listening("31_deadlines", 8888, 0.3, 60)
    telnet = desk.telnet("localhost", 8888)
    telnet.expect(rf"0\.[0-3] s are left. {re.escape(QUIZ[0])}\r\n")
    telnet.says("Too late. 0 of 3 are right.", CLOSED)


def test_the_time_for_all_answers_runs_out_though_each_had_more(desk):
    telnet = desk.early(desk.listening("31_deadlines", 8888, 60, 1), 8888, "hawser")
    for question in QUIZ[:2]:
        telnet.expect(rf"(1\.0|0\.\d) s are left. {re.escape(question)}\r\n")
    telnet.says("Too late. 1 of 3 are right.", CLOSED)


def test_each_client_has_its_own_clock(desk):
    desk.listening("31_deadlines", 8888, 60, 1)
    desk.telnet("localhost", 8888).says(CLOSED)
    began = time.monotonic()
    desk.telnet("localhost", 8888).says("Too late. 0 of 3 are right.", CLOSED)
    assert time.monotonic() - began >= 1


# 32_groups

def nc(desk, port):
    """A server that says what is typed."""
    terminal = desk.run("nc", "-l", "127.0.0.1", port)
    desk.bound(port)
    return terminal


def connected(desk, *ports):
    """Waits until somebody is connected to each of PORTS."""
    for port in ports:
        until(lambda: desk.output("ss", "-Htn", "state", "established", f"sport = :{port}"))


def test_the_first_answer_is_enough_where_any_will_do(desk):
    one, two = nc(desk, 5001), nc(desk, 5002)
    group = desk.example("32_groups", "any", 5001, 5002)
    connected(desk, 5001, 5002)
    two.sendline("here")
    group.says("5002: here")
    group.expect(r"5001: read from 127\.0\.0\.1:5001: Operation canceled\r\n")
    group.says("1 answered")
    assert group.ends() == ""
    one.ends()
    two.ends()


def test_a_server_that_is_not_there_does_not_matter_where_any_will_do(desk):
    one = nc(desk, 5001)
    group = desk.example("32_groups", "any", 5009, 5001)
    group.expect(r"5009: connect to localhost:5009: Connection refused [^\r]*\r\n")
    connected(desk, 5001)
    one.sendline("here")
    group.says("5001: here", "1 answered")
    group.ends()


def test_all_answers_are_waited_for_where_all_are_needed(desk):
    one, two = nc(desk, 5001), nc(desk, 5002)
    group = desk.example("32_groups", "all", 5001, 5002)
    connected(desk, 5001, 5002)
    one.sendline("first")
    group.says("5001: first")
    two.sendline("second")
    group.says("5002: second", "2 answered")
    group.ends()


def test_the_first_failure_ends_it_where_all_are_needed(desk):
    nc(desk, 5001)
    group = desk.example("32_groups", "all", 5001, 5002)
    group.expect(r"5002: connect to localhost:5002: Connection refused [^\r]*\r\n")
    group.expect(r"5001: [^\r]*: Operation canceled\r\n")
    group.expect(r"0 answered; connect to localhost:5002: Connection refused [^\r]*\r\n")
    group.ends()


def test_a_question_that_nobody_answers_is_withdrawn_and_no_fiber_is_left(desk):
    one = nc(desk, 5001)
    group = desk.example("32_groups", "any", 5001)
    group.says("0 answered; wait for group: Timed out")
    group.expect(r"5001: read from 127\.0\.0\.1:5001: Operation canceled\r\n")
    assert group.ends() == ""
    one.ends()


def test_groups_has_a_usage(desk):
    assert desk.example("32_groups", "some", 5001).ends(2).endswith("any|all PORT...\n")


# 37_tcp_proxy

@pytest.fixture
def proxy(desk):
    """The proxy at port 9999, before the port given."""
    def start(port):
        program = desk.example("37_tcp_proxy", 9999, "localhost", port)
        desk.bound(9999)
        return program
    return start


def test_a_proxy_carries_a_conversation(desk, proxy):
    desk.listening("30_fibers")
    program = proxy(8888)
    telnet = desk.telnet("localhost", 9999)
    telnet.says(WELCOME)
    telnet.sendline("hi")
    telnet.says("hi", "OK...hi")
    leave(telnet)
    program.says("4 bytes there, 61 back")


def test_a_proxy_carries_megabytes_both_ways_and_passes_the_end_on(desk, proxy):
    desk.listening("30_fibers")
    program = proxy(8888)
    text = "".join(f"line {number}\n" for number in range(100_000))
    answer = desk.output("nc", "-N", "127.0.0.1", 9999, text=text)
    assert answer == WELCOME + "\n" + re.sub("^(?=.)", "OK...", text, flags=re.M)
    program.says(f"{len(text)} bytes there, {len(answer)} back")


def test_a_proxy_without_a_server_says_so_and_goes_on(desk, proxy):
    program = proxy(8888)
    assert desk.output("nc", "-N", "127.0.0.1", 9999) == ""
    program.expect(r"connect to localhost:8888: Connection refused [^\r]*\r\n")
    program.says("0 bytes there, 0 back")
    desk.listening("30_fibers")
    assert desk.output("nc", "-N", "127.0.0.1", 9999) == WELCOME + "\n"


def test_a_proxy_is_under_40_lines():
    assert len((SOURCE / "examples/37_tcp_proxy.c").read_text().splitlines()) < 40


def test_a_proxy_has_a_usage(desk):
    assert desk.example("37_tcp_proxy", 9999).ends(1) == "usage: 37_tcp_proxy PORT HOST PORT\n"


# 38_workers

@pytest.mark.parametrize("workers", [1, 3])
def test_workers_share_one_counter(desk, workers):
    server = desk.example("38_workers", 8888, workers)
    for _ in range(workers):
        server.expect(rf"worker \d of {workers} is there\r\n")
    crowd = desk.peer("crowd", 8888, 60, "lines")
    crowd.expect_exact("60 are welcome\r\n")
    greetings = re.findall(r"You are number (\d+), and worker (\d) serves you\.", crowd.before)
    assert sorted(int(number) for number, _ in greetings) == list(range(1, 61))
    assert {int(worker) for _, worker in greetings} == set(range(1, workers + 1))


def test_workers_greet_a_telnet(desk):
    desk.example("38_workers").expect(r"worker \d of \d+ is there\r\n")
    telnet = desk.telnet("localhost", 8888)
    telnet.expect(r"You are number 1, and worker \d+ serves you\.\r\n")
    telnet.says(CLOSED)
