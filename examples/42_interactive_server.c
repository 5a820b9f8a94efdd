/* SPDX-License-Identifier: MIT */
/*
 * The interactive server: whoever sits at it types the answers, to many clients at once.
 *
 * Try it: start it, then in two other terminals: telnet localhost 9999, or 41_socketserver_client 9999
 * Type in any of them; the server shows what was written by whom, and waits for your answer. Ctrl-D at the server ends it.
 *
 * Each client has a fiber, and there is one keyboard. A lock gives it to one handler at a time, in the order in which they
 * asked; fibers wait for it as they do for a client. In the tutorial a client that is connected and says nothing keeps all the
 * others outside, and so does input() while nobody types.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct desk {
    hawser_file *keyboard;
    hawser_mutex *lock;
};

/* 1 with an answer, else there is none. */
static int ask(struct desk *desk, const char *who, const char *text, char *answer, size_t size) {
    if (hawser_mutex_lock(desk->lock) < 0)
        return -1;
    printf("%s wrote:\n%s\nEnter text: ", who, text);
    fflush(stdout);
    int result = hawser_readline(desk->keyboard, answer, size) > 0 ? 1 : 0;
    hawser_mutex_unlock(desk->lock);
    return result;
}

static void handle(hawser_request *r) {
    char text[1024], answer[1024];
    while (hawser_readline(r->rfile, text, sizeof text) > 0) {
        text[strcspn(text, "\r\n")] = '\0';
        int result = ask(hawser_server_user(r->server), hawser_addr_str(&r->peer), text, answer, sizeof answer);
        if (result == 0)
            hawser_server_stop(r->server, 0); /* nobody is there to answer */
        if (result != 1)
            return;
        hawser_puts(r->wfile, answer);
    }
}

int main(int argc, char **argv) {
    struct desk desk = {hawser_file_from_fd(0, "r"), hawser_mutex_new()};
    hawser_server_options options = {.user = &desk};
    hawser_server *server = desk.keyboard && desk.lock
                                ? hawser_tcp_server("localhost", argc > 1 ? atoi(argv[1]) : 9999, handle, &options) : NULL;
    if (server)
        puts("listening");
    int result = hawser_serve_forever(server); /* of no server: -1, and the sentence stays */
    if (result < 0)
        fprintf(stderr, "%s\n", hawser_error());
    hawser_server_close(server);
    hawser_file_close(desk.keyboard);
    hawser_mutex_free(desk.lock);
    return result < 0;
}
