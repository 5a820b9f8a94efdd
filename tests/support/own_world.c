/* SPDX-License-Identifier: MIT */
#include "own_world.h"

#include "wires.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARK "HAWSER_TEST_OWN_WORLD"

static void must(int result, const char *what) {
    if (result >= 0)
        return;
    fprintf(stderr, "cannot make a network of our own: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void bring_loopback_up(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(fd, "socket");
    must(ioctl(fd, SIOCGIFFLAGS, &request), "SIOCGIFFLAGS");
    request.ifr_flags |= IFF_UP;
    must(ioctl(fd, SIOCSIFFLAGS, &request), "bring lo up");
    close(fd);
}

static void replace_hosts(const char *hosts) {
    const char *path = own_path("hosts");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd, path);
    must(write(fd, hosts, strlen(hosts)) == (ssize_t)strlen(hosts) ? 0 : -1, path);
    close(fd);
    must(mount(path, "/etc/hosts", NULL, MS_BIND, NULL), "put a file over /etc/hosts");
}

/* A variable marks the second start. */
void enter_own_world(char **argv, const char *hosts) {
    if (in_world()) {
        name_hosts_in_world(hosts);
        return;
    }
    if (!getenv(MARK)) {
        setenv(MARK, "1", 1);
        char self[4096];
        ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
        must((int)length, "find the program");
        self[length] = '\0';
        execlp("unshare", "unshare", "--user", "--map-root-user", "--net", "--mount", "--", self, argv[1], (char *)NULL);
        must(-1, "unshare (of util-linux)");
    }
    bring_loopback_up();
    if (hosts)
        replace_hosts(hosts);
}
