# SPDX-License-Identifier: MIT
"""The command as a whole: help, versions, suggestions, completions, and a manual that says what the command does."""
import os
import re
import shutil
import subprocess
import time

import pytest
from conftest import HAWSER, SOURCE, TIMEOUT, hawser

COMMANDS = ["serve", "connect", "resolve", "completion", "help"]
TOPICS = ["addresses", "exit-status"]
MANUAL = SOURCE / "docs/man/hawser.1"


def output(*args):
    done = hawser(*args)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.decode()


def options_of(text):
    """{spellings: argument} of the option lines in a help text."""
    found = {}
    for letter, name, value in re.findall(r"^  (?:(-\w)(?:, )?)? *(--[\w-]+)?(?: ([A-Z]+))?  +\S", text, re.M):
        if letter or name:
            found[tuple(filter(None, (letter, name)))] = value
    return found


def manual_options():
    """The same from the manual, with the commands that each belongs to."""
    found = {}
    for line, note in re.findall(r"^\.It Fl (.*)\n(\.Pq .*\n)?", MANUAL.read_text(), re.M):
        value = re.search(r" Ar (\w+)", line)
        names = [f"-{word}" for word in re.sub(r" Ar \w+", "", line).split(" , ")]
        commands = note.removeprefix(".Pq ").strip().split(", ") if note else COMMANDS
        found[tuple(names)] = (value[1] if value else "", commands)
    return found


def test_the_manual_names_every_option_and_no_other_for_each_command():
    manual = manual_options()
    for command in COMMANDS:
        expected = {names: value for names, (value, commands) in manual.items() if command in commands}
        assert options_of(output("help", command)) == expected, command


def test_the_manual_has_its_sections_and_every_command():
    text = MANUAL.read_text()
    for section in "EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "FILES", "SECURITY":
        assert f"\n.Sh {section}\n" in text
    for command in COMMANDS:
        assert f"\n.Cm {command}\n" in text and f"\n.Ss hawser {command}\n" in text


def test_the_manual_and_the_help_agree_on_the_exit_statuses():
    section = MANUAL.read_text().split(".Sh EXIT STATUS")[1].split(".Sh")[0]
    manual = {int(n): text.lower().rstrip(".\n") for n, text in re.findall(r"^\.It (\d+)\n(.*)\n", section, re.M)}
    shown = {int(n): text for n, text in re.findall(r"^ +(\d+)  (.*)$", output("help", "exit-status"), re.M)}
    assert shown == manual


def test_the_manual_is_clean():
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", MANUAL], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("args", [[], *([name] for name in COMMANDS)])
def test_short_help_is_one_screen_with_the_examples_first(args):
    text = output(*args, "-h")
    lines = text.splitlines()
    assert len(lines) <= 24 and all(len(line) <= 100 for line in lines)
    assert lines[0].startswith("  hawser ") or "hawser" in lines[0]
    examples = text.split("\n\n")[0].splitlines()
    assert len(examples) == 3
    assert "usage: hawser" in text.split("\n\n")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_full_help_is_the_same_in_both_spellings(name):
    assert output(name, "--help") == output("help", name)
    assert output("help", name).startswith(f"usage: hawser {name} ")


def test_the_overview_names_every_command_topic_and_option():
    text = output("--help")
    assert text == output("help")
    for name in COMMANDS + TOPICS:
        assert re.search(rf"^  {name} ", text, re.M)
    assert options_of(text) == {names: value for names, (value, _) in manual_options().items()}


@pytest.mark.parametrize("name", TOPICS)
def test_topics_have_a_text(name):
    assert len(output("help", name).splitlines()) > 5


def test_the_version_is_one_line():
    header = (SOURCE / "include/hawser/common.h").read_text()
    version = re.search('HAWSER_VERSION "(.*)"', header)[1]
    assert output("--version") == f"hawser {version}\n"


def test_examples_of_the_help_are_accepted_by_the_parser():
    """Each with more arguments than any command takes: what comes before was understood."""
    for command in COMMANDS[:3]:
        for example in re.findall(r"^  (hawser \S.*?)(?:   +.*)?$", output(command, "-h").split("\n\n")[0], re.M):
            words = example.split(" <")[0].split()[1:]
            done = hawser(*words, *["extra"] * 4)
            assert done.returncode == 2 and "too many" in done.stderr, example


@pytest.mark.parametrize("args, message", [
    ([], "no command given"),
    (["srve"], 'no command "srve"; did you mean "serve"?'),
    (["conect", "x"], 'no command "conect"; did you mean "connect"?'),
    (["telnet"], 'no command "telnet"'),
    (["--versoin"], 'no option "--versoin"; did you mean "--version"?'),
    (["--frobnicate"], 'no option "--frobnicate"'),
    (["help", "conect"], 'no help on "conect"; did you mean "connect"?'),
    (["help", "exit"], 'no help on "exit"'),
    (["completion"], "completion for which shell? bash, zsh or fish"),
    (["completion", "csh"], 'no completion for "csh"; there is bash, zsh and fish'),
])
def test_wrong_usage_is_two_lines_and_status_2(args, message):
    done = hawser(*args)
    first, second = done.stderr.splitlines()
    assert (done.returncode, done.stdout, first) == (2, b"", f"hawser: {message}")
    assert second.startswith("  usage: hawser ")


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["help", "serve"], ["completion", "zsh"]])
def test_a_full_device_is_noticed(args):
    with open("/dev/full", "wb") as full:
        done = hawser(*args, stdout=full)
    assert (done.returncode, done.stderr) == (8, "hawser: cannot write to standard output: no space left on device\n")


def complete(line):
    """What bash offers for LINE, whose last word is being completed."""
    words = line.split(" ")
    script = output("completion", "bash") + f"""
COMP_WORDS=({" ".join(repr(word) for word in words)})
COMP_CWORD={len(words) - 1}
_hawser
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-uc", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("line, offered", [
    ("hawser ", set(COMMANDS)),
    ("hawser se", {"serve"}),
    ("hawser serve ", {"greet", "echo", "ok", "upper"}),
    ("hawser serve e", {"echo"}),
    ("hawser serve --p", {"--public", "--proxy-from"}),
    ("hawser serve --mode ", set()),
    ("hawser serve -q gr", {"greet"}),
    ("hawser serve echo gr", set()),
    ("hawser connect --t", {"--timeout"}),
    ("hawser connect --timeout 5s loc", {"localhost"}),
    ("hawser connect --timeout ", set()),
    ("hawser connect localhost --pub", set()),
    ("hawser resolve --j", {"--json"}),
    ("hawser completion ", {"bash", "zsh", "fish"}),
    ("hawser help exit", {"exit-status"}),
])
def test_bash_completes(line, offered):
    found = complete(line)
    assert found == offered if line[-1] != " " else offered <= found
    assert line.split(" ")[-1].startswith("-") or not any(word.startswith("-") for word in found), "options only when asked for"


def test_help_completes_every_command_and_topic():
    assert set(COMMANDS + TOPICS) <= complete("hawser help ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_option_is_in_every_completion(shell):
    text = output("completion", shell)
    for names in manual_options():
        for name in names:
            spelled = name if shell != "fish" else f"-l {name[2:]} " if name.startswith("--") else f"-s {name[1:]} "
            assert spelled in text, spelled
    for command in COMMANDS:
        assert command in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_good_scripts(shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    done = subprocess.run([shell, "-n"], input=output("completion", shell), stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_starts_in_less_than_ten_milliseconds():
    """The best of many, so that a busy machine does not matter."""
    best = 1.0
    for _ in range(40):
        began = time.monotonic()
        subprocess.run([HAWSER, "--version"], stdout=subprocess.DEVNULL, check=True, timeout=TIMEOUT)
        best = min(best, time.monotonic() - began)
    assert best < (0.2 if os.environ.get("HAWSER_SANITIZE") else 0.01)
