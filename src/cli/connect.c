/* SPDX-License-Identifier: MIT */
/*
 * hawser connect: standard input to the socket, the socket to standard output.
 *
 * Two threads: the main one receives, the other sends. Which of the two ends decides how the command ends:
 *   the input ends     the sending direction is shut, receiving goes on until the peer's end
 *   the peer ends      the command ends, status 0, though the input may still be open; but input that is no terminal and has
 *                      something ready is sent first, while the peer takes it: who has nothing more to say may still listen
 *   a reset            status 7
 * Descriptors 0 and 1 are read and written as they are: no flag of theirs is touched.
 */
#include "cli/address.h"
#include "cli/connect_report.h"
#include "cli/escape.h"
#include "cli/format.h"
#include "cli/monotonic.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"

#include <hawser.h>

#include <pthread.h>
#include <unistd.h>

/* After the peer's end: input that stays silent for this long is over, and a peer that takes nothing for this long is gone. */
#define SILENT_INPUT 0.5
#define DEAF_PEER 10.0

struct talk {
    hawser_sock *sock;
    const char *peer;
    bool notes;                     /* print them */
    double started;
    uint64_t in;
    struct escaper escaper;
    bool escape;                    /* standard output is a terminal */
    char last;                      /* byte that went to standard output */

    pthread_mutex_t lock;           /* of what follows, which the sender writes */
    pthread_cond_t changed;
    uint64_t out;
    bool sending;                   /* it is inside a send, whose result is not known yet */
    bool done;                      /* it has stopped */
    int send_error;                 /* why, if not at the end of the input */
};

/* A cut input must not look like a whole one: the peer gets a reset, not an end. Does not return. */
static void abandon(struct talk *talk, int code) {
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    report_error(STATUS_LOCAL, "cannot read standard input: %s", report_reason(code));
    (void)hawser_setsockopt(talk->sock, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    _exit(STATUS_LOCAL);
}

/* Sends what the kernel takes at once: a slow peer shows as progress. The count; or -1 with errno, and SENDING stays set. */
static ssize_t send_some(struct talk *talk, const void *data, size_t size) {
    pthread_mutex_lock(&talk->lock);
    talk->sending = true;
    pthread_mutex_unlock(&talk->lock);
    ssize_t n = hawser_send(talk->sock, data, size);
    if (n < 0)
        return -1;
    pthread_mutex_lock(&talk->lock);
    talk->sending = false;
    talk->out += (uint64_t)n;
    pthread_cond_signal(&talk->changed);
    pthread_mutex_unlock(&talk->lock);
    return n;
}

/* Sending failed with CODE. A peer that only takes no more may still have something to say; else the receiver is woken. */
static void stop_sending(struct talk *talk, int code) {
    pthread_mutex_lock(&talk->lock);
    talk->sending = false;
    talk->send_error = code;
    pthread_cond_signal(&talk->changed);
    pthread_mutex_unlock(&talk->lock);
    (void)hawser_shutdown(talk->sock, code == EPIPE ? SHUT_WR : SHUT_RDWR);
}

static void send_input(struct talk *talk) {
    char buf[65536];
    ssize_t n;
    while ((n = input_some(STDIN_FILENO, buf, sizeof buf)) > 0) {
        for (ssize_t sent = 0, more; sent < n; sent += more) {
            if ((more = send_some(talk, buf + sent, (size_t)(n - sent))) < 0) {
                stop_sending(talk, errno);
                return;
            }
        }
    }
    if (n < 0)
        abandon(talk, errno);
    if (hawser_shutdown(talk->sock, SHUT_WR) < 0 && errno != ENOTCONN)   /* not connected: the peer has reset it */
        stop_sending(talk, errno);
}

static void *sender_main(void *argument) {
    struct talk *talk = argument;
    send_input(talk);
    pthread_mutex_lock(&talk->lock);
    talk->done = true;
    pthread_cond_signal(&talk->changed);
    pthread_mutex_unlock(&talk->lock);
    return NULL;
}

static int print_received(struct talk *talk, const char *data, size_t size) {
    static char escaped[ESCAPE_ROOM(65536)];   /* only the main thread prints */
    if (talk->escape) {
        size = escape_bytes(&talk->escaper, data, size, escaped);
        data = escaped;
    }
    if (size > 0)
        talk->last = data[size - 1];
    return output_all(STDOUT_FILENO, data, size);
}

enum ending { PEER_ENDED, BROKE, OUTPUT_FAILED };

/* How receiving ended; *RET_CODE is the error for the last two. */
static enum ending receive_all(struct talk *talk, int *ret_code) {
    static char buf[65536];
    ssize_t n;
    while ((n = hawser_recv(talk->sock, buf, sizeof buf)) > 0) {
        talk->in += (uint64_t)n;
        if (print_received(talk, buf, (size_t)n) < 0) {
            *ret_code = errno;
            return OUTPUT_FAILED;
        }
    }
    *ret_code = n < 0 ? errno : 0;
    return n < 0 ? BROKE : PEER_ENDED;
}

/* What the escaper still held back. */
static int print_held(struct talk *talk) {
    char rest[ESCAPE_ROOM(0)];
    size_t size = talk->escape ? escape_end(&talk->escaper, rest) : 0;
    if (size > 0)
        talk->last = rest[size - 1];
    return output_all(STDOUT_FILENO, rest, size);
}

/* The peer's last line may have no newline; what we say next starts on a line of its own. */
static void end_line(struct talk *talk) {
    if (talk->escape && talk->in > 0 && talk->last != '\n' && isatty(STDERR_FILENO))
        report_note("%s", "");
}

/* The bytes sent, once the send under way has its result: on a dead connection it has it at once. */
static uint64_t settled_out(struct talk *talk) {
    struct timespec until = monotonic_in(SILENT_INPUT);
    pthread_mutex_lock(&talk->lock);
    while (talk->sending && pthread_cond_timedwait(&talk->changed, &talk->lock, &until) == 0)
        continue;
    uint64_t out = talk->out;
    pthread_mutex_unlock(&talk->lock);
    return out;
}

static int broke(struct talk *talk, int code) {
    uint64_t out = settled_out(talk);
    end_line(talk);
    return connect_report_broken(talk->peer, code, talk->in, out);
}

/* Waits until the sender gets on or stops. False: it did neither in the time that its state allows. */
static bool sender_moves(struct talk *talk) {
    struct timespec until = monotonic_in(talk->sending ? DEAF_PEER : SILENT_INPUT);
    uint64_t before = talk->out;
    while (!talk->done && talk->out == before && pthread_cond_timedwait(&talk->changed, &talk->lock, &until) == 0)
        continue;
    return talk->done || talk->out != before;
}

/* The peer has ended: lets the sender finish while it gets on. Why it failed, EPIPE if the peer takes no more; 0 otherwise. */
static int finish_sending(struct talk *talk) {
    bool interactive = isatty(STDIN_FILENO);
    pthread_mutex_lock(&talk->lock);
    while (!talk->done && (talk->sending || !interactive) && sender_moves(talk))
        continue;
    int code = talk->sending ? EPIPE : talk->send_error;
    pthread_mutex_unlock(&talk->lock);
    return code;
}

static void print_closing(struct talk *talk, double ended) {
    char in[FORMAT_ROOM], out[FORMAT_ROOM], took[FORMAT_ROOM];
    end_line(talk);
    report_note("peer closed: in %s, out %s, %s", format_bytes(in, talk->in), format_bytes(out, settled_out(talk)),
                format_seconds(took, ended - talk->started));
}

static int conclude(struct talk *talk, bool quiet) {
    double ended = hawser_now();
    int code = finish_sending(talk);
    if (code != 0 && code != EPIPE)   /* a reset is told once: here the sender met it, and the receiver saw an end */
        return broke(talk, code);
    if (talk->notes)
        print_closing(talk, ended);
    if (code != 0 && !quiet && !isatty(STDIN_FILENO))
        report_note("hawser: the peer closed before it had taken all of the input");
    return STATUS_DONE;
}

static int start_sender(struct talk *talk) {
    pthread_t thread;
    pthread_mutex_init(&talk->lock, NULL);
    monotonic_init(&talk->changed);
    int code = pthread_create(&thread, NULL, sender_main, talk);
    if (code != 0)
        return report_error(STATUS_LOCAL, "cannot start a thread: %s", report_reason(code));
    pthread_detach(thread);   /* it may sit in a read of the terminal for ever */
    return 0;
}

static int converse(hawser_sock *sock, const char *peer, const struct options *options, bool notes) {
    static struct talk talk;   /* static: the sender may outlive this function by a moment */
    talk = (struct talk){.sock = sock, .peer = peer, .started = hawser_now(), .notes = notes,
                         .escape = isatty(STDOUT_FILENO), .escaper = escape_for_locale()};
    (void)hawser_settimeout(sock, HAWSER_NO_TIMEOUT);   /* --timeout was for the connection */
    int status = start_sender(&talk), code = 0;
    if (status != 0)
        return status;
    enum ending ending = receive_all(&talk, &code);
    if (ending != OUTPUT_FAILED && print_held(&talk) < 0)
        return report_output_failed(errno);
    if (ending == OUTPUT_FAILED)
        return report_output_failed(code);
    return ending == BROKE ? broke(&talk, code) : conclude(&talk, options_has(options, OPTION_QUIET));
}

static int check(const struct options *options, const struct address *address) {
    if (address->is_unix && options_family(options) != AF_UNSPEC)
        return report_usage(&command_connect, "-4 and -6 do not go with a Unix socket");
    return 0;
}

static int run(const struct options *options) {
    struct address_rules rules = {.command = &command_connect, .protocol = "tcp"};
    struct address address;
    int status = address_parse(&address, &rules, options->operand[0], options->operand[1]);
    if (status == 0)
        status = check(options, &address);
    if (status != 0)
        return status;
    hawser_connect_options how = {.timeout = options_timeout(options), .family = options_family(options)};
    double start = hawser_now();
    hawser_sock *sock = hawser_create_connection(address.host, address.port, &how);
    if (!sock)
        return connect_report_failed(&address, errno, hawser_now() - start, how.timeout);
    bool notes = options_has(options, OPTION_VERBOSE) || (isatty(STDERR_FILENO) && !options_has(options, OPTION_QUIET));
    hawser_addr peer;
    const char *peer_text = hawser_getpeername(sock, &peer) < 0 || address.is_unix ? address.host : hawser_addr_str(&peer);
    if (notes)
        connect_report_reached(&address, &peer);
    return converse(sock, peer_text, options, notes);
}

const struct command command_connect = {
    .name = "connect",
    .bit = FOR_CONNECT,
    .run = run,
    .operands = "HOST[:PORT] [PORT]",
    .least = 1,
    .most = 2,
    .missing = "connect where?",
    .summary = "talk to a port: input to the socket, the socket to output",
    .examples = "  hawser connect localhost 12345             type, and read what comes back\n"
                "  hawser connect example.org:http <request   send a file, print the reply\n"
                "  hawser connect unix:/run/x.sock            a Unix socket\n",
    .text = "Connects standard input and output to HOST. PORT is a number or the name of a service; 12345 if omitted.\n"
            "A number alone is a port of this machine.\n"
            "\n"
            "At the end of the input the sending direction is closed, and the rest of what the peer sends is still\n"
            "received. When the peer has ended the connection the command ends, even if the input is still open.\n"
            "\n"
            "Bytes pass unchanged, except on a terminal: there control characters, characters that reorder text, and\n"
            "bytes that are not UTF-8 are shown as \\x1b, \\u202e and the like.\n",
};
