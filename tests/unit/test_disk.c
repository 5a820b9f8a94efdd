/* SPDX-License-Identifier: MIT */
/*
 * sched/disk: regular files in fibers, which nothing of a disk holds up. That a file is not in memory is simulated, by a first
 * read that says EAGAIN, and so is a file system that cannot tell. Bodies of fibers report the line that did not hold.
 */
#include "fibers.h"
#include "gate.h"
#include "helpers.h"
#include "support.h"

#include "base/fault.h"
#include "base/sys.h"
#include "base/task.h"
#include "sched/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define HOLDS(condition)                                                                                                       \
    do {                                                                                                                       \
        if (!(condition))                                                                                                      \
            return __LINE__;                                                                                                   \
    } while (0)

/* A file that holds "0123456789" and stands at its start. */
static int digits(void) {
    int fd = open(own_path("digits"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void assert_holds_in_fiber(hawser_fn body, void *argument) {
    int line = run_on_workers(1, body, argument);
    if (line != 0)
        fail_msg("line %d", line);
}

/* Reading. */

static long read_on_thread(void *argument) {
    char buf[4];
    int fd = *(int *)argument;
    hawser__disk disk = {0};
    fault_syscall("read", 1, EIO, 1);
    HOLDS(hawser__disk_read(&disk, fd, buf, 4, -1, HAWSER__NEVER) == -EIO);
    HOLDS(hawser__disk_read(&disk, fd, buf, 4, -1, HAWSER__NOW) == 4 && memcmp(buf, "0123", 4) == 0);
    HOLDS(hawser__disk_read(&disk, fd, buf, 4, 6, HAWSER__NOW) == 4 && memcmp(buf, "6789", 4) == 0);
    HOLDS(hawser__disk_write(&disk, fd, "ab", 2, HAWSER__NOW) == 2);
    HOLDS(hawser__disk_holds(&disk, fd, 0, 10) && !disk.blind && lseek(fd, 0, SEEK_CUR) == 6);
    return 0;
}

static void a_plain_thread_reads_and_writes_by_itself(void **state) {
    (void)state;
    int fd = digits();
    runner run;
    assert_true(helpers_gone());
    start_thread(&run, read_on_thread, &fd);
    assert_int_equal(finish(&run), 0);
    assert_true(no_helpers(NULL));
    close(fd);
}

static int read_what_is_there(void *argument) {
    char buf[20];
    int fd = *(int *)argument;
    hawser__disk disk = {0};
    fault_syscall("pthread_create", 1, EAGAIN, 1);
    HOLDS(hawser__disk_read(&disk, fd, buf, 4, -1, HAWSER__NEVER) == 4 && memcmp(buf, "0123", 4) == 0);
    HOLDS(hawser__disk_read(&disk, fd, buf, 20, -1, HAWSER__NEVER) == 6 && memcmp(buf, "456789", 6) == 0);
    HOLDS(hawser__disk_read(&disk, fd, buf, 20, -1, HAWSER__NEVER) == 0);
    HOLDS(hawser__disk_read(&disk, fd, buf, 2, 3, HAWSER__NEVER) == 2 && memcmp(buf, "34", 2) == 0);
    HOLDS(hawser__disk_holds(&disk, fd, 0, 10) && lseek(fd, 0, SEEK_CUR) == 10);
    HOLDS(!fault_none());
    return 0;
}

static void what_is_in_memory_is_read_without_a_helper(void **state) {
    (void)state;
    char byte;
    int fd = digits();
    if (hawser__sys_is_lacking(hawser__sys_read_now(fd, &byte, 1, 0)))
        skip(); /* tmpfs: nobody can tell */
    assert_true(helpers_gone());
    assert_holds_in_fiber(read_what_is_there, &fd);
    close(fd);
}

static int read_what_is_not_there(void *argument) {
    char buf[20];
    int fd = *(int *)argument;
    hawser__disk disk = {0};
    fault_syscall("read", 1, EAGAIN, 1);
    HOLDS(hawser__disk_read(&disk, fd, buf, 4, -1, HAWSER__NEVER) == 4 && memcmp(buf, "0123", 4) == 0);
    HOLDS(fault_none() && !disk.blind && lseek(fd, 0, SEEK_CUR) == 4);
    fault_syscall("read", 1, EAGAIN, 1);
    HOLDS(hawser__disk_read(&disk, fd, buf, 20, 7, HAWSER__NOW) == 3 && memcmp(buf, "789", 3) == 0);
    HOLDS(fault_none() && lseek(fd, 0, SEEK_CUR) == 4);
    fault_syscall("read", 1, EIO, 1);
    HOLDS(hawser__disk_read(&disk, fd, buf, 20, -1, HAWSER__NEVER) == -EIO);
    return 0;
}

static void what_is_not_is_read_by_a_helper_from_where_the_file_stands(void **state) {
    (void)state;
    skip_in_world("what is in memory is no matter there");
    int fd = digits();
    assert_holds_in_fiber(read_what_is_not_there, &fd);
    close(fd);
}

static int read_blindly(void *argument) {
    char buf[20];
    int fd = *(int *)argument;
    static const int lacks[] = {EOPNOTSUPP, ENOSYS, EPERM};
    for (size_t i = 0; i < 3; i++) {
        hawser__disk disk = {0};
        lseek(fd, 0, SEEK_SET);
        fault_syscall("read", 1, lacks[i], 1);
        HOLDS(hawser__disk_read(&disk, fd, buf, 4, -1, HAWSER__NEVER) == 4);
        HOLDS(fault_none() && disk.blind);
        fault_syscall("read", 1, EIO, 1); /* the fiber reads no more itself */
        HOLDS(hawser__disk_read(&disk, fd, buf, 20, -1, HAWSER__NEVER) == 6 && memcmp(buf, "456789", 6) == 0);
        HOLDS(!hawser__disk_holds(&disk, fd, 0, 1));
        HOLDS(!fault_none());
    }
    return 0;
}

static void where_nobody_can_tell_a_helper_reads_and_nobody_is_asked_again(void **state) {
    (void)state;
    int fd = digits();
    assert_holds_in_fiber(read_blindly, &fd);
    close(fd);
}

static int ask_both_ends(void *argument) {
    int fd = *(int *)argument;
    for (unsigned nth = 1; nth <= 2; nth++) {
        hawser__disk disk = {0};
        fault_syscall("read", nth, EAGAIN, 1);
        HOLDS(!hawser__disk_holds(&disk, fd, 0, 10));
        HOLDS(fault_none());
    }
    return 0;
}

static void what_is_missing_at_either_end_is_missing(void **state) {
    (void)state;
    skip_in_world("what is in memory is no matter there");
    skip_where_emulated("the kernel is not asked what it holds in memory");
    int fd = digits();
    assert_holds_in_fiber(ask_both_ends, &fd);
    close(fd);
}

/* Others, meanwhile. */

static struct {
    int fd, results[4];
} scene;

static int read_through_helper(void *argument) {
    char buf[4];
    hawser__disk disk = {.blind = true};
    *(int *)argument = (int)hawser__disk_read(&disk, scene.fd, buf, 4, -1, HAWSER__NEVER);
    return 0;
}

/* Runs at all only when the worker is free. */
static int open_gate_when_reached(void *argument) {
    *(int *)argument = wait_inside(1);
    open_gate();
    return 0;
}

static int read_and_run_others(void *argument) {
    (void)argument;
    HOLDS(hawser_go(read_through_helper, &scene.results[0]) == 0);
    HOLDS(hawser_go(open_gate_when_reached, &scene.results[1]) == 0);
    return 0;
}

static void other_fibers_of_the_worker_run_while_a_helper_reads(void **state) {
    (void)state;
    scene.fd = digits();
    shut_gate();
    assert_holds_in_fiber(read_and_run_others, NULL);
    assert_int_equal(scene.results[0], 4);
    assert_true(scene.results[1]);
    close(scene.fd);
}

static int read_in_vain(void *argument) {
    (void)argument;
    char buf[4];
    hawser__disk disk = {.blind = true, .slow = true};
    hawser__deadline soon = hawser__clock_monotonic() + HAWSER__SECOND / 50;
    scene.results[2] = wait_inside(1);
    HOLDS(hawser__disk_read(&disk, scene.fd, buf, 4, -1, soon) == -ETIMEDOUT);
    HOLDS(hawser__disk_write(&disk, scene.fd, buf, 4, soon) == -ETIMEDOUT);
    atomic_store(&hawser__task_current()->cancelled, true);
    HOLDS(hawser__disk_read(&disk, scene.fd, buf, 4, -1, HAWSER__NEVER) == -ECANCELED);
    HOLDS(hawser__disk_write(&disk, scene.fd, buf, 4, HAWSER__NEVER) == -ECANCELED);
    open_gate();
    return 0;
}

static int note_read_in_vain(void *argument) {
    *(int *)argument = read_in_vain(NULL);
    open_gate();
    return 0;
}

static int read_with_one_place(void *argument) {
    (void)argument;
    HOLDS(hawser_go(read_through_helper, &scene.results[0]) == 0);
    HOLDS(hawser_go(note_read_in_vain, &scene.results[1]) == 0);
    return 0;
}

static void until_a_helper_comes_the_wait_can_be_cut_short_and_nothing_is_read(void **state) {
    (void)state;
    scene.fd = digits();
    assert_works(hawser_offload_set_threads(1));
    shut_gate();
    assert_holds_in_fiber(read_with_one_place, NULL);
    assert_works(hawser_offload_set_threads(8));
    assert_int_equal(scene.results[0], 4);
    assert_int_equal(scene.results[1], 0);
    assert_true(scene.results[2]);
    assert_int_equal(lseek(scene.fd, 0, SEEK_CUR), 4);
    close(scene.fd);
}

/* Writing. */

static const struct hawser__faults *inner;
static atomic_int writes_here, writes_elsewhere;
static atomic_bool disk_is_slow;

/* Two milliseconds: a disk that cannot follow. */
static int on_write(const char *name) {
    if (strcmp(name, "write") == 0) {
        atomic_fetch_add(hawser__offload_helping() ? &writes_elsewhere : &writes_here, 1);
        for (double end = seconds_now() + 0.002; atomic_load(&disk_is_slow) && seconds_now() < end;)
            ;
    }
    return inner->syscall(name);
}

static int write_to_slow_disk(void *argument) {
    int fd = *(int *)argument;
    hawser__disk disk = {0};
    atomic_store(&disk_is_slow, true);
    for (int i = 0; i < 3; i++)
        HOLDS(hawser__disk_write(&disk, fd, "ab", 2, HAWSER__NOW) == 2);
    HOLDS(atomic_load(&writes_here) == 1 && atomic_load(&writes_elsewhere) == 2);
    atomic_store(&disk_is_slow, false);
    while (disk.slow) /* until it is known to be quick: the machine may be busy */
        HOLDS(hawser__disk_write(&disk, fd, "cd", 2, HAWSER__NEVER) == 2 && atomic_load(&writes_elsewhere) < 1000);
    HOLDS(hawser__disk_write(&disk, fd, "e", 1, HAWSER__NEVER) == 1);
    HOLDS(atomic_load(&writes_here) == 2);
    fault_syscall("write", 1, ENOSPC, 1);
    disk.slow = false;
    HOLDS(hawser__disk_write(&disk, fd, "f", 1, HAWSER__NEVER) == -ENOSPC);
    return 0;
}

static void a_write_that_was_held_up_sends_the_next_ones_to_helpers(void **state) {
    (void)state;
    skip_in_world("time stands still while a disk is slow");
    static struct hawser__faults watched;
    int fd = digits();
    char buf[8] = "";
    inner = hawser__faults;
    watched = *inner;
    watched.syscall = on_write;
    hawser__faults = &watched;
    int line = run_on_workers(1, write_to_slow_disk, &fd);
    hawser__faults = inner;
    assert_int_equal(line, 0);
    assert_int_equal(pread(fd, buf, 8, 0), 8);
    assert_memory_equal(buf, "abababcd", 8);
    close(fd);
}

int main(void) {
    build_gate();
    move_gate("read");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_thread_reads_and_writes_by_itself),
        cmocka_unit_test(what_is_in_memory_is_read_without_a_helper),
        cmocka_unit_test(what_is_not_is_read_by_a_helper_from_where_the_file_stands),
        cmocka_unit_test(where_nobody_can_tell_a_helper_reads_and_nobody_is_asked_again),
        cmocka_unit_test(what_is_missing_at_either_end_is_missing),
        cmocka_unit_test(other_fibers_of_the_worker_run_while_a_helper_reads),
        cmocka_unit_test(until_a_helper_comes_the_wait_can_be_cut_short_and_nothing_is_read),
        cmocka_unit_test(a_write_that_was_held_up_sends_the_next_ones_to_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
