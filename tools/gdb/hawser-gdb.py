# SPDX-License-Identifier: MIT
"""gdb commands that see fibers, in a running program or in a core file. Load it with: gdb -x tools/gdb/hawser-gdb.py PROGRAM

hawser fibers         every fiber: its run and number, its worker, what it does, for how long, and its name
hawser bt N|all       the backtrace of fiber N (RUN/N where there are several runs), or of each
hawser select N|off   from now on the selected thread's frames, from 1 on, are fiber N's, for "frame 2", "info locals" ...

A fiber that does not run has left its registers on its stack, as the head of its switch file says (src/fiber/switch_*). They
are shown through gdb's unwinder: nothing in the program is written, and the thread's own registers stay what they are. The
library needs its debug information (-g). A core file that gdb itself writes (gcore) has no stacks, because gdb gives up at the
first guard; those that the kernel writes have them.
"""
import re

import gdb
from gdb.unwinder import Unwinder, register_unwinder

WORD = 8
# Where switch_x86_64.S and switch_aarch64.S keep each register, in words from the saved stack pointer, and how long that is.
FRAMES = {
    "i386:x86-64": ({"r15": 0, "r14": 1, "r13": 2, "r12": 3, "rbx": 4, "rbp": 5, "rip": 6}, "rsp", 7),
    "aarch64": ({**{f"x{19 + i}": i for i in range(12)}, "pc": 11, **{f"d{8 + i}": 12 + i for i in range(8)}}, "sp", 20),
}
# The same in the ucontext_t that switch_ucontext.c keeps: member of uc_mcontext, and index.
CONTEXTS = {
    "i386:x86-64": {"r12": ("gregs", 4), "r13": ("gregs", 5), "r14": ("gregs", 6), "r15": ("gregs", 7), "rbp": ("gregs", 10),
                    "rbx": ("gregs", 11), "rsp": ("gregs", 15), "rip": ("gregs", 16)},
    "aarch64": {**{f"x{i}": ("regs", i) for i in range(19, 31)}, "sp": ("sp", None), "pc": ("pc", None)},
}
STATES = {"HAWSER__READY_TO_RUN": "ready", "HAWSER__RUNNING": "runs", "HAWSER__PARKED": "waits", "HAWSER__ENDED": "ended"}


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


def has_symbol(name):
    try:
        return bool(gdb.parse_and_eval(f"(long)&{name}"))
    except gdb.error:
        return False


def saved_in_frame(sp, architecture):
    """The registers that a switch in assembly saved at SP."""
    offsets, stack_pointer, size = FRAMES[architecture]
    word = gdb.lookup_type("unsigned long")
    words = gdb.Value(sp).cast(word.pointer())
    registers = {name: words[offset] for name, offset in offsets.items()}
    registers[stack_pointer] = gdb.Value(sp + size * WORD).cast(word)
    return registers


def saved_in_ucontext(sp, architecture):
    """The registers that swapcontext saved at SP."""
    machine = gdb.Value(sp).cast(gdb.lookup_type("ucontext_t").pointer())["uc_mcontext"]
    word = gdb.lookup_type("unsigned long")
    return {name: (machine[member] if index is None else machine[member][index]).cast(word)
            for name, (member, index) in CONTEXTS[architecture].items()}


def saved_registers(context):
    """What the context that does not run goes on with."""
    architecture = gdb.selected_frame().architecture().name()
    if architecture not in FRAMES:
        raise gdb.GdbError(f"hawser: the frame of a switch on {architecture} is not known here")
    sp = int(context["sp"])
    if has_symbol("hawser__switch_first"):
        return saved_in_frame(sp, architecture)
    record = gdb.lookup_type("struct suspended")
    if record.fields()[0].type.strip_typedefs() != gdb.lookup_type("ucontext_t").strip_typedefs():
        raise gdb.GdbError("hawser: this library keeps registers with setjmp, where they cannot be read")
    return saved_in_ucontext(sp, architecture)


class FiberUnwinder(Unwinder):
    """Makes the caller of the selected thread's frame 0 the place where a fiber goes on."""

    def __init__(self):
        super().__init__("hawser fibers")
        self.thread = self.registers = None

    def show(self, fiber):
        if not fiber.thread:
            self.registers, self.thread = saved_registers(fiber.context), gdb.selected_thread().ptid
        gdb.invalidate_cached_frames()

    def show_none(self):
        self.thread = self.registers = None
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.registers is None or pending.level() != 0 or gdb.selected_thread().ptid != self.thread:
            return None
        registers = self.registers
        pointer = registers.get("rsp", registers.get("sp"))
        place = registers.get("rip", registers.get("pc"))
        # An identity just inside the fiber's first frame: gdb wants callers to lie further out than those they call.
        info = pending.create_unwind_info(FrameId(pointer - 1, place))
        for name, value in registers.items():
            try:
                info.add_saved_register(name, value)
            except ValueError:
                pass  # d8 ... are parts of vector registers to gdb, which shows them in its own way
        return info


class Fiber:
    def __init__(self, run, worker, record):
        self.run, self.worker, self.record = run, worker, record
        self.number, self.context = int(record["number"]), record["context"]
        self.thread = self.find_thread()

    def find_thread(self):
        """The thread that is on the fiber's stack, if one is."""
        low, size = int(self.record["stack"]), int(self.record["stack_size"])
        if int(self.worker["running"]) != int(self.record.address):
            return None
        for thread, pointer in stack_pointers():
            if low <= pointer < low + size:
                return thread
        return None

    def name(self):
        own = self.record["name"].string(errors="replace")
        return own or str(self.record["fn"].format_string(symbols=True)).partition("<")[2].partition(">")[0] or "?"

    def doing(self):
        state = STATES.get(str(self.record["state"]), str(self.record["state"]))
        task = self.record["task"]
        if state != "waits" or not int(task["waits_for"]):
            return f"runs on thread {self.thread.num}" if self.thread else state
        what, object_ = task["waits_for"].string(errors="replace"), int(task["waits_on"])
        return f"waits: {what}" + (f" {object_:#x}" if object_ > 0xFFFFFF else f" {object_}" if object_ >= 0 else "")

    def seconds(self):
        """Since it was parked, by the worker's clock when that last looked at it."""
        parked = str(self.record["state"]) == "HAWSER__PARKED"
        return f"{(int(self.worker['now']) - int(self.record['since'])) / 1e9:.3f}" if parked else ""

    def title(self):
        number, worker = f"{int(self.run['number'])}/{self.number}", int(self.worker["number"])
        return f"fiber {number} \"{self.name()}\", worker {worker}, {self.doing()}"


def stack_pointers():
    """Each thread with the stack pointer it really has."""
    selected = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        yield thread, int(gdb.newest_frame().read_register("sp"))
    selected.switch()


def runs():
    """All runs of the process: the list that src/sched/run.c keeps."""
    for symbol in gdb.lookup_static_symbols("runs"):
        kind = symbol.type.strip_typedefs()
        if kind.code == gdb.TYPE_CODE_PTR and kind.target().strip_typedefs().tag == "hawser__run":
            at = symbol.value()
            while at:
                yield at.dereference()
                at = at["next"]
            return
    raise gdb.GdbError("hawser: no debug information of the library (is it built with -g?)")


def fibers():
    if not gdb.selected_thread():
        raise gdb.GdbError("hawser: the program is not being run")
    for run in sorted(runs(), key=lambda run: int(run["number"])):
        for i in range(int(run["count"])):
            worker = run["workers"][i]
            at = gdb.Value(0) if worker["gone"] else worker["fibers"]
            found = []
            while at:
                found.append(Fiber(run, worker, at.dereference()))
                at = at["all"]["next"]
            yield from sorted(found, key=lambda fiber: fiber.number)


def find(text):
    run, _, number = text.rpartition("/")
    if not re.fullmatch(r"(\d+/)?\d+", text):
        raise gdb.GdbError("hawser: a fiber is named by its number, or as RUN/NUMBER: see hawser fibers")
    for fiber in fibers():
        if fiber.number == int(number) and run in ("", str(int(fiber.run["number"]))):
            return fiber
    raise gdb.GdbError(f"hawser: there is no fiber {text}")


def backtrace_of_thread(thread):
    selected = gdb.selected_thread()
    thread.switch()
    try:
        return gdb.execute("backtrace", to_string=True)
    finally:
        selected.switch()


def backtrace_of_fiber(fiber):
    """Without frame 0, which is the thread's, and counted from 0 all the same."""
    unwinder.show(fiber)
    try:
        text = gdb.execute("backtrace", to_string=True)
    finally:
        unwinder.show_none()
    start = re.search(r"^#1 ", text, flags=re.M)
    if not start:
        return "(no frames)\n"
    return re.sub(r"^#(\d+) +", lambda level: f"#{int(level[1]) - 1:<2} ", text[start.start():], flags=re.M)


def print_backtrace(fiber):
    print(fiber.title())
    print(backtrace_of_thread(fiber.thread) if fiber.thread else backtrace_of_fiber(fiber))


class Hawser(gdb.Command):
    """Look at fibers: hawser fibers, hawser bt N|all, hawser select N|off."""

    def __init__(self):
        super().__init__("hawser", gdb.COMMAND_STACK, prefix=True)


class HawserFibers(gdb.Command):
    """List every fiber of every run of the program."""

    def __init__(self):
        super().__init__("hawser fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        unwinder.show_none()
        print(f"{'fiber':>10} {'worker':>6} {'seconds':>9}  {'does':28} name")
        count = 0
        for count, fiber in enumerate(fibers(), 1):
            number = f"{int(fiber.run['number'])}/{fiber.number}"
            worker = int(fiber.worker["number"])
            print(f"{number:>10} {worker:>6} {fiber.seconds():>9}  {fiber.doing():28} {fiber.name()}")
        print(f"{count} fibers")


class HawserBacktrace(gdb.Command):
    """Print the backtrace of a fiber: hawser bt N, hawser bt RUN/N, hawser bt all."""

    def __init__(self):
        super().__init__("hawser bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        unwinder.show_none()
        for fiber in list(fibers()) if argument.strip() == "all" else [find(argument.strip())]:
            print_backtrace(fiber)


class HawserSelect(gdb.Command):
    """Show a fiber's frames as those of the selected thread, from frame 1 on: hawser select N; hawser select off ends it.
    It has to be ended before the program goes on."""

    def __init__(self):
        super().__init__("hawser select", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        unwinder.show_none()
        if argument.strip() == "off":
            return
        fiber = find(argument.strip())
        if fiber.thread:
            fiber.thread.switch()
            print(f"{fiber.title()}: its frames are the thread's own")
            return
        unwinder.show(fiber)
        gdb.execute("frame 1")


unwinder = FiberUnwinder()
register_unwinder(None, unwinder, replace=True)
Hawser(), HawserFibers(), HawserBacktrace(), HawserSelect()
