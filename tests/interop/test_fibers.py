# SPDX-License-Identifier: MIT
"""Channels and locks: the examples of fibers that work together."""


def test_three_fibers_hand_words_from_one_to_the_next(desk):
    program = desk.example("33_channels")
    program.says("ALL", "QUIET", "ON", "THE", "WIRE", "5 words")
    assert program.ends() == ""


def test_the_words_may_be_given(desk):
    words = [f"word{number}" for number in range(200)]
    program = desk.example("33_channels", *words)
    assert program.ends() == "".join(f"{word.upper()}\n" for word in words) + "200 words\n"


def test_every_tray_is_emptied_and_the_silent_one_is_waited_for_until_the_deadline(desk):
    program = desk.example("34_select")
    program.says("letters: 5", "forms: 100", "complaints: 0, and perhaps more to come")
    program.says("the day is over: select among 3 channels: Timed out")
    assert program.ends() == ""


def test_fibers_of_two_workers_share_a_counter_and_three_desks(desk):
    program = desk.example("35_locks")
    program.says("8 have worked, at most 3 at a time, 0 are left")
    assert program.ends() == ""
