/* SPDX-License-Identifier: MIT */
/* How fast a program can be up: listens, says the port, greets each connection with "hello" and closes it. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
    int listener = bench_listen();
    if (fcntl(listener, F_SETFL, 0) < 0)
        bench_die("fcntl");
    bench_say_port_of(listener);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        send(client, "hello\n", 6, MSG_NOSIGNAL);
        close(client);
    }
}
