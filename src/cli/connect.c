/* SPDX-License-Identifier: MIT */
/*
 * hawser connect: standard input to the socket, the socket to standard output.
 *
 * Two fibers of one worker, so what they share needs no lock: the main one receives, the other sends. Which of the two ends
 * decides how the command ends:
 *   the input ends     the sending direction is shut, receiving goes on until the peer's end
 *   the peer ends      the command ends, status 0, though the input may still be open; but input that is no terminal and has
 *                      something ready is sent first, while the peer takes it: who has nothing more to say may still listen
 *   a reset            status 7
 * Descriptors 0 and 1 belong to the shell as well: no flag of theirs is touched, and they are waited for before each read and
 * write.
 */
#include "cli/address.h"
#include "cli/connect_report.h"
#include "cli/escape.h"
#include "cli/format.h"
#include "cli/options.h"
#include "cli/report.h"

#include <hawser.h>

#include <signal.h>
#include <unistd.h>

#define PIECE 65536

/* After the peer's end: input that stays silent for this long is over, and a peer that takes nothing for this long is gone. */
#define SILENT_INPUT 0.5
#define DEAF_PEER 10.0

struct talk {
    hawser_sock *sock;
    const char *peer;
    bool notes;                /* print them */
    double started;
    hawser_file *output;       /* NULL: it cannot be written, output_error says why */
    int output_error;
    struct escaper escaper;
    bool escape;               /* standard output is a terminal */
    char last;                 /* byte that went to standard output */
    uint64_t in, out;
    bool sending;              /* the sender is inside a send, whose result is not known yet */
    bool done;                 /* it has stopped */
    int send_error;            /* why, if not at the end of the input */
    hawser_channel *steps;     /* something is in it when the sender has got on */
};

/* A cut input must not look like a whole one: the peer gets a reset, not an end. Does not return. */
static void abandon(struct talk *talk, int code) {
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    report_error(STATUS_LOCAL, "cannot read standard input: %s", report_reason(code));
    (void)hawser_setsockopt(talk->sock, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    _exit(STATUS_LOCAL);
}

/* For the receiver, where it waits for that. */
static void tell_step(struct talk *talk) {
    (void)hawser_channel_trysend(talk->steps, "");   /* one that has not been looked at yet is as good as two */
}

/* Sends what the kernel takes at once: a slow peer shows as progress. The count; or -1 with errno, and SENDING stays set. */
static ssize_t send_some(struct talk *talk, const char *data, size_t size) {
    talk->sending = true;
    ssize_t n = hawser_send(talk->sock, data, size);
    if (n < 0)
        return -1;
    talk->sending = false;
    talk->out += (uint64_t)n;
    tell_step(talk);
    return n;
}

/* Sending failed with CODE. A peer that only takes no more may still have something to say; else the receiver is woken. */
static void stop_sending(struct talk *talk, int code) {
    talk->sending = false;
    talk->send_error = code;
    (void)hawser_shutdown(talk->sock, code == EPIPE ? SHUT_WR : SHUT_RDWR);
}

/* -1: sending failed, or the command has come to its end. */
static int send_input(struct talk *talk, hawser_file *input) {
    static char piece[PIECE];   /* only one fiber sends */
    ssize_t n;
    while ((n = hawser_read1(input, piece, sizeof piece)) > 0) {
        for (ssize_t sent = 0, more; sent < n; sent += more)
            if ((more = send_some(talk, piece + sent, (size_t)(n - sent))) < 0)
                return -1;
    }
    if (n < 0 && errno != ECANCELED)
        abandon(talk, errno);
    if (n < 0)
        return -1;
    return hawser_shutdown(talk->sock, SHUT_WR) < 0 && errno != ENOTCONN ? -1 : 0;   /* not connected: the peer has reset it */
}

static int sender(void *arg) {
    struct talk *talk = arg;
    hawser_file *input = hawser_file_from_fd(STDIN_FILENO, "r");
    if (!input || hawser_file_setbuf(input, 0) < 0)
        abandon(talk, errno);
    if (send_input(talk, input) < 0 && errno != ECANCELED)
        stop_sending(talk, errno);
    hawser_file_close(input);
    talk->done = true;
    tell_step(talk);
    return 0;
}

/* Waits at most SECONDS for the sender to get on or stop. False: it did neither. */
static bool sender_steps(struct talk *talk, double seconds) {
    char step;
    int64_t outer = hawser_deadline_push(seconds);
    int result = hawser_channel_recv(talk->steps, &step);
    hawser_deadline_pop(outer);
    return result > 0;
}

/* As a plain write, this one ends the command when nobody reads any more. */
static int print(struct talk *talk, const char *data, size_t size) {
    errno = talk->output_error;
    if (size == 0)
        return 0;
    talk->last = data[size - 1];
    if (talk->output && hawser_write(talk->output, data, size) >= 0)
        return 0;
    if (errno == EPIPE)
        raise(SIGPIPE);
    return -1;
}

static int print_received(struct talk *talk, const char *data, size_t size) {
    static char escaped[ESCAPE_ROOM(PIECE)];   /* only the main fiber prints */
    if (!talk->escape)
        return print(talk, data, size);
    return print(talk, escaped, escape_bytes(&talk->escaper, data, size, escaped));
}

enum ending { PEER_ENDED, BROKE, OUTPUT_FAILED };

/* How receiving ended; *RET_CODE is the error for the last two. */
static enum ending receive_all(struct talk *talk, int *ret_code) {
    const void *data;
    ssize_t n;
    while ((n = hawser_recv_borrow(talk->sock, &data)) > 0) {
        talk->in += (uint64_t)n;
        if (print_received(talk, data, (size_t)n) < 0) {
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
    return print(talk, rest, talk->escape ? escape_end(&talk->escaper, rest) : 0);
}

/* The peer's last line may have no newline; what we say next starts on a line of its own. */
static void end_line(struct talk *talk) {
    if (talk->escape && talk->in > 0 && talk->last != '\n' && isatty(STDERR_FILENO))
        report_note("%s", "");
}

/* The bytes sent, once the send under way has its result: on a dead connection it has it at once. */
static uint64_t settled_out(struct talk *talk) {
    double until = hawser_now() + SILENT_INPUT, left;
    while (talk->sending && (left = until - hawser_now()) > 0)
        (void)sender_steps(talk, left);
    return talk->out;
}

static int broke(struct talk *talk, int code) {
    uint64_t out = settled_out(talk);
    end_line(talk);
    return connect_report_broken(talk->peer, code, talk->in, out);
}

/* The peer has ended: lets the sender finish while it gets on. Why it failed, EPIPE if the peer takes no more; 0 otherwise. */
static int finish_sending(struct talk *talk) {
    bool interactive = isatty(STDIN_FILENO);
    while (!talk->done && (talk->sending || !interactive)) {
        bool was_sending = talk->sending;
        if (!sender_steps(talk, was_sending ? DEAF_PEER : SILENT_INPUT) && talk->sending == was_sending)
            break;
    }
    return talk->sending ? EPIPE : talk->send_error;
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

static int receive(struct talk *talk, bool quiet) {
    int code = 0;
    enum ending ending = receive_all(talk, &code);
    if (ending != OUTPUT_FAILED && print_held(talk) < 0)
        return report_output_failed(errno);
    if (ending == OUTPUT_FAILED)
        return report_output_failed(code);
    return ending == BROKE ? broke(talk, code) : conclude(talk, quiet);
}

static void open_output(struct talk *talk) {
    talk->output = hawser_file_from_fd(STDOUT_FILENO, "w");
    talk->output_error = talk->output ? 0 : errno;
    if (talk->output)
        (void)hawser_file_setbuf(talk->output, 0);
}

static int converse(hawser_sock *sock, const char *peer, const struct options *options, bool notes) {
    struct talk talk = {.sock = sock, .peer = peer, .started = hawser_now(), .notes = notes, .escape = isatty(STDOUT_FILENO),
                        .escaper = escape_for_locale()};
    int status;
    hawser_group *group = hawser_group_open(NULL);
    talk.steps = hawser_channel_new(1, 1);
    open_output(&talk);
    (void)hawser_settimeout(sock, HAWSER_NO_TIMEOUT);   /* --timeout was for the connection */
    if (!group || !talk.steps || hawser_group_go(group, sender, &talk) < 0)
        status = report_error(STATUS_LOCAL, "cannot start a fiber: %s", report_reason(errno));
    else
        status = receive(&talk, options_has(options, OPTION_QUIET));
    hawser_group_close(group);
    hawser_channel_free(talk.steps);
    hawser_file_close(talk.output);
    return status;
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
    status = converse(sock, peer_text, options, notes);
    hawser_close(sock);
    return status;
}

const struct command command_connect = {
    .name = "connect",
    .bit = FOR_CONNECT,
    .run = run,
    .workers = options_one_worker,
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
