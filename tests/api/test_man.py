# SPDX-License-Identifier: MIT
"""The man pages are well formed, say what the headers say, and their examples compile and do what they claim."""
import re
import subprocess

import pytest

from house import BUILD, CC, HEADERS, MAN, SOURCE, flags, manual_names, public_functions, without_comments

PAGES = sorted(MAN.glob("*.[137]"))
LIBRARY_PAGES = [page for page in PAGES if page.suffix != ".1"]
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "RETURN VALUES", "EXAMPLES", "ERRORS", "SEE ALSO", "CAVEATS"]
ESCAPES = [("\\e", "\\"), ("\\-", "-"), ("\\(aq", "'"), ("\\(dq", '"'), ("\\&", "")]


def named(pages):
    return {"argvalues": pages, "ids": [page.name for page in pages]}


@pytest.mark.parametrize("page", **named(PAGES))
def test_mandoc_finds_no_fault(page):
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("page", **named([page for page in PAGES if page.suffix == ".3"]))
def test_every_library_page_has_its_sections_in_order(page):
    assert re.findall(r"^\.Sh (.*)$", page.read_text(), flags=re.M) == SECTIONS


@pytest.mark.parametrize("page", **named(LIBRARY_PAGES))
def test_no_line_is_long(page):
    assert [line for line in page.read_text().split("\n") if len(line) > 128] == []


def plain(declaration):
    """A declaration with its spaces made even: "char *x" and "char * x" are the same."""
    declaration = re.sub(r"\s*(\*+)\s*", r" \1", declaration)
    return re.sub(r"\s+", " ", declaration).strip()


def prototypes(header):
    code = re.sub(r"^[ \t]*#[^\n]*(\\\n[^\n]*)*", "", without_comments(header.read_text()), flags=re.M)
    for result, name, arguments in re.findall(r"^((?:const |struct )*\w+ \**)(hawser_\w+)\(((?:[^()]|\([^()]*\))*)\)[^;{]*;", code, flags=re.M):
        yield name, (plain(result), [plain(argument) for argument in arguments.split(",")])


def one_line(call):
    """A prototype written over several lines, .Fo .Fa .Fc, as one .Fn line."""
    return f".Fn {call[1]} " + call[2].replace(".Fa ", "").replace("\n", " ") + "\n"


def synopsis(page):
    """The prototypes of a page, from its .Ft, .Fn and .Fo lines."""
    text = page.read_text().split(".Sh SYNOPSIS\n")[1].split("\n.Sh ")[0] + "\n"
    text = re.sub(r"\.Fo (\w+)\n((?:\.Fa .*\n)+)\.Fc\n", one_line, text)
    for result, name, arguments in re.findall(r"\.Ft (.*)\n\.Fn (\w+) (.*)\n", text):
        words = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', arguments)]
        yield name, (plain(result), [plain(word) for word in words])


def test_every_synopsis_is_what_the_header_declares():
    declared = dict(found for header in HEADERS for found in prototypes(header))
    assert sorted(declared) == sorted(public_functions())
    shown = dict(found for page in MAN.glob("*.3") for found in synopsis(page))
    assert shown == declared


def test_a_page_shows_the_functions_it_names_and_no_others():
    for page in MAN.glob("*.3"):
        names = [name for name in manual_names(page) if name in public_functions()]
        assert sorted(names) == sorted(name for name, _ in synopsis(page)), page.name


def test_every_public_constant_and_field_is_in_a_page():
    text = "".join(page.read_text() for page in LIBRARY_PAGES)
    for header in HEADERS:
        code = without_comments(header.read_text())
        constants = re.findall(r"^(?:#define|    )\s*(HAWSER_E?[A-Z_]+)\b(?!\()", code, flags=re.M)
        bodies = re.findall(r"^typedef struct \w+ \{\n(.*?)^\}", code, flags=re.M | re.S)
        fields = [re.findall(r"(\w+)(?:\[\w+\])?\s*[;,]", body) for body in bodies]
        private = r"HAWSER_(BEGIN|END|VERSION_\w+|[A-Z]+_H)"
        wanted = [name for name in constants if not re.fullmatch(private, name)] + sum(fields, [])
        assert [name for name in wanted if not re.search(rf"\b{name}\b", text)] == [], header.name


def test_every_cross_reference_leads_somewhere():
    ours = {(name, page.suffix[1:]) for page in MAN.glob("*.3") for name in manual_names(page)}
    ours |= {(page.stem, page.suffix[1:]) for page in PAGES} | {("hawser", "1")}
    for page in PAGES:
        for name, section in re.findall(r"^\.(?:It )?Xr (\S+) (\d)", page.read_text(), flags=re.M):
            if name.startswith("hawser"):
                assert (name, section) in ours, f"{page.name}: {name}({section})"


def examples():
    """The programs in the EXAMPLES sections, unescaped: (page and number, source)."""
    for page in LIBRARY_PAGES:
        section = page.read_text().split(".Sh EXAMPLES\n")[1].split("\n.Sh ")[0] + "\n"
        for number, source in enumerate(re.findall(r"\.Bd -literal[^\n]*\n(.*?)^\.Ed$", section, flags=re.M | re.S), 1):
            for escaped, character in ESCAPES:
                source = source.replace(escaped, character)
            if "int main(" in source:
                yield f"{page.name}:{number}", source


EXAMPLES = dict(examples())
# How an example ends and what it prints, run without arguments. Those that are not here wait for a peer and are only compiled.
RUNS = {
    "hawser_error.3:1": (2, "", r".+127\.0\.0\.1:99999.+\n"),
    "hawser_world.3:1": (0, r"input after 0\.\d seconds\n", ""),
    "hawser_addr.3:1": (0, r"127\.0\.0\.1:80 is the same as 127\.0\.0\.1:80\nonly this machine reaches it\n", ""),
    "hawser_names.3:1": (0, r"IPv4  127\.0\.0\.1:80\n", ""),
    "hawser_sock.3:1": (0, r"Thank you for connecting\n", ""),
    "hawser_io.3:1": (0, r"[1-9]\d* bytes went out: .+: Timed out\n", ""),
    "hawser_message.3:1": (0, r"written to a descriptor that was sent\n", ""),
    "hawser_option.3:1": (0, r"send buffer [1-9]\d* bytes, peer is process [1-9]\d*\n", ""),
    "hawser_file.3:1": (0, r"   1 one\n   2 \(too long\)\n   3 three", ""),
    "hawser_run.3:1": (0, r"tick 1\ntock 1\ntick 2\ntock 2\ntick 3\ntock 3\n", ""),
    "hawser_group.3:1": (0, r"one: .+: Operation canceled\nboth: .+127\.0\.0\.1:99999.+\n", ""),
    "hawser_deadline.3:1": (0, r"receive .+: Timed out\n", ""),
    "hawser_sync.3:1": (0, r"(Anna sits down\nBert sits down\n)((Anna|Bert) leaves\n|Carl sits down\n){3}Carl leaves\nthe kitchen closes\n", ""),
    "hawser_channel.3:1": (0, r"1\n4\n9\n16\n", ""),
    "hawser_offload.3:1": (0, r"(tick\n)+0x[0-9a-f]{8}\n", ""),
    "hawser_sim.3:1": (0, r"nobody answered\na lost packet does it\n", ""),
}
LINES = "one\n" + "x" * 2000 + "\nthree"


def test_every_library_page_has_a_complete_program():
    with_example = {name.split(":")[0] for name in EXAMPLES}
    assert with_example == {page.name for page in LIBRARY_PAGES}
    assert set(RUNS) <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_compiles_and_does_what_it_says(name, tmp_path):
    program = tmp_path / "example"
    program.with_suffix(".c").write_text(EXAMPLES[name])
    strict = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror", *flags()]
    library = [BUILD / "lib/libhawser.a", "-lpthread"]
    command = [CC, *strict, f"-I{SOURCE / 'include'}", "-o", program, program.with_suffix(".c"), *library]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    if name not in RUNS:
        return
    status, out, err = RUNS[name]
    result = subprocess.run([program], input=LINES, capture_output=True, text=True, timeout=60)
    assert result.returncode == status, result.stderr
    assert re.fullmatch(out, result.stdout), result.stdout
    assert re.fullmatch(err, result.stderr), result.stderr
