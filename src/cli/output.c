/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <hawser.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int output_all(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EAGAIN) {
            if (hawser_wait_fd(fd, HAWSER_WRITABLE, HAWSER_NO_TIMEOUT) < 0)
                return -1;
        } else if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

void output_prepare(void) {
    static const int modes[] = {[STDIN_FILENO] = O_RDONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", modes[fd]);   /* takes the lowest free number: this one */
    }
}

int output_close(void) {
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    int code = errno;
    if (close(STDOUT_FILENO) < 0 && !failed)
        return errno;
    return failed ? code : 0;
}
