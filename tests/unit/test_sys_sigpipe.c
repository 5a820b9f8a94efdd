/* SPDX-License-Identifier: MIT */
/*
 * A SIGPIPE that comes with a partial success: sendfile(2) that has moved something when the peer goes away gives the count and
 * raises the signal all the same. That moment cannot be hit on purpose, so sendfile here is ours.
 */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <sys/sendfile.h>

#include "base/sys.h"

static ssize_t sendfile_result;
static int sendfile_calls;

/* Stands before libc's in this program. */
ssize_t sendfile(int out, int in, off_t *offset, size_t count) {
    (void)out;
    (void)in;
    (void)count;
    sendfile_calls++;
    raise(SIGPIPE);
    *offset += sendfile_result > 0 ? sendfile_result : 0;
    errno = sendfile_result < 0 ? EPIPE : errno;
    return sendfile_result;
}

static int let_sigpipe_kill(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    sendfile_calls = 0;
    return 0;
}

static bool pending_or_blocked(void) {
    sigset_t pending, mask;
    sigpending(&pending);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&pending, SIGPIPE) || sigismember(&mask, SIGPIPE);
}

static void a_partial_write_that_raises_SIGPIPE_kills_nobody(void **state) {
    (void)state;
    static const ssize_t results[] = {60, 99, 0, -1};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        int64_t offset = 7;
        sendfile_result = results[i];
        assert_int_equal(hawser__sys_sendfile(-1, -1, &offset, 100), results[i] < 0 ? -EPIPE : results[i]);
        assert_int_equal(offset, results[i] < 0 ? 7 : 7 + results[i]);
        assert_false(pending_or_blocked());
    }
    assert_int_equal(sendfile_calls, 4);
}

static void a_SIGPIPE_that_was_pending_before_stays_pending(void **state) {
    (void)state;
    sigset_t pipe_only, pending;
    int64_t offset = 0;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
    raise(SIGPIPE);
    sendfile_result = 60;
    assert_int_equal(hawser__sys_sendfile(-1, -1, &offset, 100), 60);
    sigpending(&pending);
    assert_true(sigismember(&pending, SIGPIPE));
    const struct timespec at_once = {0, 0};
    assert_int_equal(sigtimedwait(&pipe_only, NULL, &at_once), SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &pipe_only, NULL);
}

#define with_sigpipe(function) cmocka_unit_test_setup(function, let_sigpipe_kill)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_sigpipe(a_partial_write_that_raises_SIGPIPE_kills_nobody),
        with_sigpipe(a_SIGPIPE_that_was_pending_before_stays_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
