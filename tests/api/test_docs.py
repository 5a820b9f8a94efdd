# SPDX-License-Identifier: MIT
"""The documents are true where a program can tell: links lead somewhere, what they name exists, code is the code it quotes."""
import re
import subprocess

import pytest

from house import BUILD, CC, SOURCE, public_functions

DOCUMENTS = sorted(path for where in ("*.md", "docs/**/*.md", "examples/*.md", "tests/**/*.md") for path in SOURCE.glob(where))
README = (SOURCE / "README.md").read_text()
MAKEFILE = (SOURCE / "Makefile").read_text()


def ids(path):
    return str(path.relative_to(SOURCE))


def packages(job):
    """The packages that tools/deps installs for JOB."""
    return re.search(rf"^{job}='([^']*)'", (SOURCE / "tools/deps").read_text(), flags=re.M)[1].split()


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def code_blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.M | re.S)


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_link_leads_to_a_file(document):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if not re.match(r"https?://", target):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_path_named_in_a_document_exists(document):
    for path in re.findall(r"`((?:src|include|tests|tools|docs|examples|cmake)/[\w./-]+)`", without_code(document.read_text())):
        assert (SOURCE / path).exists() or "X" in path, path


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_make_target_named_in_a_document_exists(document):
    for target in re.findall(r"`(?:sudo )?make ([a-z][\w-]*)`", document.read_text()):
        assert re.search(rf"^{target}:", MAKEFILE, flags=re.M), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_function_named_in_a_document_exists(document):
    text = document.read_text()
    code = "".join(code_blocks(text, "c"))
    named = re.findall(r"`(hawser_[a-z0-9]\w+)\(", text) + re.findall(r"\b(hawser_[a-z0-9]\w+)\(", code)
    assert set(named) - set(public_functions()) == set()


def test_the_readme_has_exactly_two_set_up_commands():
    section = README.split("## Set up\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(.*?)`", section, flags=re.M) == ["make run", "make check"]


def test_the_readme_names_the_packages_that_its_commands_install():
    rows = dict(re.findall(r"^\| `(make \w+)` \|[^|]*\|([^|]*)\|$", README, flags=re.M))
    assert re.findall(r"`([^`]+)`", rows["make run"]) == packages("build")
    assert re.findall(r"`([^`]+)`", rows["make check"]) == packages("check")


def test_the_greeting_server_of_the_readme_is_the_first_example():
    example = (SOURCE / "examples/01_greeting_server.c").read_text()
    program = example[example.index("#include"):]
    assert code_blocks(README, "c")[0] == program


def test_the_code_of_the_guide_stands_in_an_example():
    examples = "".join(path.read_text() for path in SOURCE.glob("examples/*.c"))
    for chapter in SOURCE.glob("docs/guide/*.md"):
        for block in code_blocks(chapter.read_text(), "c"):
            assert block in examples, f"{chapter.name}: {block}"


def transcripts():
    """What the guide shows of programs that need no peer: (program, output)."""
    for chapter in SOURCE.glob("docs/guide/*.md"):
        shown = r"^```\n\$ \./(12_messages|13_backlog|33_channels|34_select|35_locks)\n(.*?)^```"
        yield from re.findall(shown, chapter.read_text(), flags=re.M | re.S)


def test_programs_print_what_the_guide_shows():
    shown = dict(transcripts())
    assert len(shown) == 5
    for program, output in shown.items():
        result = subprocess.run([BUILD / "examples" / program], check=True, capture_output=True, text=True, timeout=60)
        port = r"(?<=127\.0\.0\.1:)\d+"
        assert re.sub(port, "PORT", result.stdout) == re.sub(port, "PORT", output)


def test_whole_programs_in_the_documents_compile(tmp_path):
    programs = [block for document in DOCUMENTS for block in code_blocks(document.read_text(), "c") if "int main(" in block]
    assert programs
    for number, program in enumerate(programs):
        source = tmp_path / f"program{number}.c"
        source.write_text(program)
        command = [CC, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE / 'include'}", "-fsyntax-only", source]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr


def test_decisions_are_numbered_without_gaps_and_have_their_three_parts():
    records = sorted((SOURCE / "docs/decisions").glob("*.md"))
    assert [record.name[:4] for record in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for record in records:
        text = record.read_text()
        assert text.startswith(f"# {record.name[:4]}: ")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, flags=re.M) == ["Context", "Decision", "Consequence"], record.name


def test_architecture_gives_every_source_file_its_paragraph():
    text = (SOURCE / "ARCHITECTURE.md").read_text()
    files = [path for path in (SOURCE / "src").rglob("*") if path.suffix in (".c", ".h", ".S")]
    stems = sorted({str(path.relative_to(SOURCE / "src").with_suffix("")) for path in files})
    missing = [stem for stem in stems if not re.search(rf"`{re.escape(stem)}(\.[chS])?`", text)]
    assert missing == []
    described = re.findall(r"`((?:base|fiber|sched|engine|net|stream|tls|server|proto|cli)/[\w-]+)(?:\.[chS])?`", text)
    assert sorted(set(described) - set(stems)) == [], "these are described, and are not there"
