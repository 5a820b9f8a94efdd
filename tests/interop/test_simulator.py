# SPDX-License-Identifier: MIT
"""The programs that run in a simulated network: the same every time, and the planted fault is found and brought back."""
import re
import shlex
import subprocess
import xml.dom.minidom

import pytest

from desk import ENVIRONMENT, EXAMPLES

FOUND = re.compile(r"hawser: run (\d+), seed \1, failed: somebody heard \d+ of 60 lines\n"
                   r"hawser: the simulation failed: (somebody heard \d+ of 60 lines)\n"
                   r"hawser: to run it again: (.*)\n")


def simulate(name, *args, cwd, **variables):
    """The result of the example NAME, started as a person would in the folder of the examples."""
    environment = {**ENVIRONMENT, **variables}
    return subprocess.run([EXAMPLES / name, *args], env=environment, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("seed", range(1, 21))
def test_everybody_is_greeted_in_any_storm(seed, tmp_path):
    result = simulate("48_simulated_greeting", str(seed), cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    line = r' *(\d+\.\d{3}) s: "Thank you for connecting", reads (\w+), call \d+'
    greeted = [re.fullmatch(line, text) for text in result.stdout.splitlines()]
    assert sorted(match[2] for match in greeted) == ["ann", "bob", "eve"]
    times = [float(match[1]) for match in greeted]
    assert times == sorted(times)


def test_the_same_seed_is_the_same_storm(tmp_path):
    traces = [tmp_path / f"trace{number}" for number in range(3)]
    outputs = [simulate("48_simulated_greeting", seed, cwd=tmp_path, HAWSER_SIM_TRACE=str(trace)).stdout
               for seed, trace in zip("778", traces)]
    assert outputs[0] == outputs[1] != outputs[2]
    assert traces[0].read_bytes() == traces[1].read_bytes() != traces[2].read_bytes()


def test_the_environment_has_the_seed_and_the_weather(tmp_path):
    asked = simulate("48_simulated_greeting", "9", cwd=tmp_path).stdout
    assert simulate("48_simulated_greeting", "1", cwd=tmp_path, HAWSER_SIM_SEED="9").stdout == asked
    calm = simulate("48_simulated_greeting", cwd=tmp_path, HAWSER_SIM_MODEL="loss=0,jitter=0")
    assert calm.returncode == 0 and calm.stdout.count("call 1\n") == 3
    refused = simulate("48_simulated_greeting", cwd=tmp_path, HAWSER_SIM_MODEL="loss=much")
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr == ('hawser: HAWSER_SIM_MODEL in the environment has "loss=much": '
                              "loss is a probability, from 0 to 1\n")


@pytest.mark.parametrize("name", ["48_simulated_greeting", "49_simulated_proxy", "50_simulated_chat"])
def test_a_model_with_a_slip_in_it_is_an_error_and_no_find(name, tmp_path):
    result = simulate(name, cwd=tmp_path, HAWSER_SIM_MODEL="los=1")
    said = 'HAWSER_SIM_MODEL in the environment has "los=1": no field has that name\n'
    assert (result.returncode, result.stderr) == (1, "hawser: " + said)
    assert result.stdout == ("nothing was searched\n" if name.startswith("50") else "")


def test_a_search_that_finds_nothing_draws_its_last_storm(tmp_path):
    result = simulate("50_simulated_chat", "--fixed", cwd=tmp_path, HAWSER_SIM_SEED="3", HAWSER_SIM_DIAGRAM="calm.svg",
                      HAWSER_SIM_TRACE="calm.txt")
    assert (result.returncode, result.stderr) == (0, "")
    assert " room start" in (tmp_path / "calm.txt").read_text()
    names = {text.firstChild.data for text in xml.dom.minidom.parse(str(tmp_path / "calm.svg")).getElementsByTagName("text")
             if text.getAttribute("class") == "name"}
    assert names == {"main", "room", "ann", "bob"}


def test_a_storm_can_be_drawn(tmp_path):
    simulate("48_simulated_greeting", "3", cwd=tmp_path, HAWSER_SIM_DIAGRAM="storm.svg")
    picture = xml.dom.minidom.parse(str(tmp_path / "storm.svg")).documentElement
    names = {text.firstChild.data for text in picture.getElementsByTagName("text") if text.getAttribute("class") == "name"}
    assert names == {"main", "server", "ann", "bob", "eve"}
    ways = [path for path in picture.getElementsByTagName("path") if path.getAttribute("class") == "way"]
    assert len(ways) >= 3 * 3   # a SYN, its answer and the greeting, for everybody


@pytest.mark.parametrize("seed", range(1, 11))
def test_a_proxy_gives_no_wrong_answer_though_everything_crashes(seed, tmp_path):
    result = simulate("49_simulated_proxy", str(seed), cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    match = re.fullmatch(r"1000 answers in (\d+) calls and \d+ seconds, and all of them right\n", result.stdout)
    assert int(match[1]) > 1


def test_the_planted_fault_is_found_made_small_and_run_again_by_the_line_that_is_printed(tmp_path):
    result = simulate("50_simulated_chat", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "a line was lost\n")
    found = FOUND.fullmatch(result.stderr)
    assert found, result.stderr
    assert int(found[1]) < 1000
    model = re.search(r"HAWSER_SIM_MODEL=perfect(\S*) ", found[3])[1]
    assert len(model.split(",")[1:]) < 5, "it has 5 fields in the beginning"
    again = subprocess.run(found[3], shell=True, env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (again.returncode, again.stdout) == (1, "a line was lost\n")
    assert again.stderr == "".join(f"{line}\n" for line in result.stderr.splitlines()[1:])
    assert shlex.split(found[3])[-1] == str(EXAMPLES / "50_simulated_chat")


def test_without_the_fault_a_thousand_storms_find_nothing(tmp_path):
    result = simulate("50_simulated_chat", "--fixed", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "every line was heard, in 1000 storms\n", "")
