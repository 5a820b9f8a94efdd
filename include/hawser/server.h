/* SPDX-License-Identifier: MIT */
/*
 * Servers: a handler function, called for every connection or datagram.
 *
 *     hawser_server *s = hawser_tcp_server("", 8888, talk, NULL);
 *     if (!s || hawser_serve_forever(s) < 0) { fprintf(stderr, "%s\n", hawser_error()); return 1; }
 *     hawser_server_close(s);
 *
 * What happens to a request, in this order, every step a hook that may be replaced:
 *   get_request      takes it from the listener
 *   verify_request   says whether it is to be served
 *   process_request  brings it to where it runs: a fiber, a thread, a process
 *   finish_request   setup, handle, finish; finish also after a failure, but not when setup failed
 *   handle_error     when it failed; the server goes on
 *   shutdown_request the polite end, and close_request
 * A hook that only wants to add something calls the default, hawser_server_NAME. Hooks up to process_request run in the loop of
 * the server, one after the other, so they should not wait; from a source in proxy_from, verify_request comes after
 * process_request, when the header has told the peer. With forks the hooks from finish_request on run in the child.
 * Python: the module socketserver, whose names these are.
 */
#ifndef HAWSER_SERVER_H
#define HAWSER_SERVER_H

#include <hawser/request.h>
#include <hawser/run.h>

HAWSER_BEGIN

typedef enum hawser_concurrency {
    HAWSER_FIBERS,       /* a fiber each, on all cores (run.h) */
    HAWSER_THREADS,      /* a thread each, of a limited number: for handlers that block elsewhere. Python: ThreadingMixIn */
    HAWSER_FORKS,        /* a process each. Python: ForkingMixIn */
    HAWSER_SEQUENTIAL    /* one request after the other, in the task that called hawser_serve_forever */
} hawser_concurrency;

#define HAWSER_NO_LINGER (-1.0)

typedef enum hawser_log_level { HAWSER_LOG_DEBUG, HAWSER_LOG_INFO, HAWSER_LOG_WARNING, HAWSER_LOG_ERROR } hawser_log_level;

/* Zeroed, or NULL for it, means defaults. Texts and lists are copied. Times are in seconds. */
typedef struct hawser_server_options {
    /* How requests run. */
    hawser_concurrency concurrency;
    int workers;                  /* fibers: worker threads, 0 = one for each CPU. threads: the most at once, 0 = 256 */
    int max_children;             /* forks: the most at once, 0 = 40. Python: max_children */
    const hawser_run_options *run;   /* fibers: the rest of what hawser_run takes (its `workers` counts for nothing) */
    void *user;                   /* for hawser_server_user */

    /* The listeners. */
    bool no_bind_and_activate;    /* that is left to hawser_server_bind and _activate. Python: bind_and_activate */
    int request_queue_size;       /* connections that may wait to be accepted; 0 = 128. Python: request_queue_size (5) */
    bool allow_reuse_port;        /* as reuse_port of hawser_listen_options. Python: allow_reuse_port */
    int address_family;           /* 0 = what the host says; AF_INET or AF_INET6 = only that one. Python: address_family */
    unsigned mode;                /* permission bits of a Unix socket file; 0 = 0777 less the umask */
    bool nagle_algorithm;         /* leave TCP_NODELAY off. Python: disable_nagle_algorithm, the other way round */
    const char *handover;         /* path of a Unix socket for restarts without downtime: see hawser_server_open */

    /* Hooks; NULL = the default. */
    int (*setup)(hawser_request *r);                     /* -1 with errno: the request failed, handle and finish are left out */
    void (*finish)(hawser_request *r);
    int (*server_bind)(hawser_server *server);
    int (*server_activate)(hawser_server *server);
    void (*server_close)(hawser_server *server);         /* before the listeners are closed */
    int (*get_request)(hawser_server *server, hawser_request *r);   /* see hawser_server_get_request */
    bool (*verify_request)(hawser_request *r);           /* false: shutdown_request, and nothing else */
    int (*process_request)(hawser_request *r);           /* -1 with errno: handle_error and shutdown_request */
    void (*finish_request)(hawser_request *r);
    void (*shutdown_request)(hawser_request *r);
    void (*close_request)(hawser_request *r);
    void (*handle_timeout)(hawser_server *server);       /* hawser_handle_request found nothing within `timeout` */
    void (*handle_error)(hawser_request *r, const char *sentence);   /* rfile and wfile are closed, NULL, by then */
    void (*service_actions)(hawser_server *server);      /* after every turn of the loop, at least every poll_interval */

    /* Limits that are on. */
    size_t max_connections;       /* at once, kept ones included; 0 = the limit of descriptors less 64. Further ones wait */
    size_t max_packet_size;       /* bytes of a datagram; 0 = 65535. Longer ones are cut, flagged and counted */
    size_t rbufsize;              /* bytes that rfile reads ahead, and its longest line; 0 = 65536 */
    size_t wbufsize;              /* bytes that wfile holds back; 0 = 65536 */
    double linger;                /* of the polite close; 0 = 2. HAWSER_NO_LINGER = close at once */
    double proxy_timeout;         /* for a PROXY header; 0 = 10 */
    double drain;                 /* how long a stop by signal lets handlers go on; 0 = 5, HAWSER_NO_TIMEOUT = to their end */

    /* Limits that are off until set. */
    double timeout;               /* of hawser_handle_request. Python: timeout */
    double poll_interval;         /* between service_actions when nothing else happens; 0 = 0.5. Python: poll_interval */
    double idle_timeout;          /* for each wait for the peer, and between the calls of a kept connection */
    double first_byte_timeout;    /* the handler is called when the client has spoken, and not at all if it does not */
    double request_timeout;       /* for one call of the handler, all its waits together */
    double min_rate;              /* bytes a second that move while the handler waits for the peer; 30 s are granted at first */
    size_t max_per_peer;          /* connections of one IP address, counted after the PROXY header; more are closed at once */
    const char *const *allow;     /* networks ("10.0.0.0/8", "::1", "unix"), ended by NULL: only these are served, if any */
    const char *const *deny;      /* these are not */
    const char *const *proxy_from;   /* these must begin with a PROXY header, version 1 or 2; all others have none */
    bool segmentation;            /* UDP: let the kernel join and split datagrams of one size (GRO, GSO) */

    /* What is told. SENTENCE is one line; from any task of the server, so it should not wait long. NULL: nothing. */
    void (*log)(hawser_server *server, hawser_log_level level, const char *sentence);
    bool no_notify;               /* do not tell a service manager (NOTIFY_SOCKET) that the server is ready, or stops */
} hawser_server_options;

/* A server that listens on HOST and PORT (forms as in hawser_create_server; 0 = any free port) or on PATH ("/run/x.sock",
 * "@name"). It serves with hawser_serve_forever. NULL with what hawser_create_server fails with, EINVAL (no handler; an option
 * that is out of range, the sentence says which), ENOMEM. Python: socketserver.TCPServer, UDPServer, UnixStreamServer,
 * UnixDatagramServer. */
hawser_server *hawser_tcp_server(const char *host, int port, hawser_handler handle, const hawser_server_options *options);
hawser_server *hawser_udp_server(const char *host, int port, hawser_handler handle, const hawser_server_options *options);
hawser_server *hawser_unix_stream_server(const char *path, hawser_handler handle, const hawser_server_options *options);
hawser_server *hawser_unix_datagram_server(const char *path, hawser_handler handle, const hawser_server_options *options);

/* The same for an address as text:
 *   tcp://HOST:PORT   udp://HOST:PORT   unix:PATH   unix:@NAME   unix-datagram:PATH
 *                        HOST "" or "*" is every address; IPv6 in brackets; without a scheme it is tcp
 *   systemd:  systemd:NAME   the sockets that a service manager handed over (LISTEN_FDS), all or those called NAME
 *   fd:N                     a socket that this process was started with
 * With the option `handover`, a server that serves there already hands over the listeners it has for the same addresses, and
 * stops when this one serves: no connection is refused or reset between the two. Asking parks the task; for one that is about
 * to listen there it waits at most 4 s (then EADDRINUSE) and not beyond its deadline (ETIMEDOUT, EAGAIN). */
hawser_server *hawser_server_open(const char *address, hawser_handler handle, const hawser_server_options *options);

/* One more listener of SERVER, which is not serving. Port 0 takes the port of the listeners there are. 0 or -1, as above. */
int hawser_server_listen(hawser_server *server, const char *address);

/* Serves until it is stopped: 0. -1 with errno when a listener failed for good, EBUSY (it is serving already), EINVAL (forks
 * inside of hawser_run), ENOMEM ...; NULL for SERVER is -1 and leaves errno and hawser_error() as the constructor set them.
 * A fiber that is cancelled stops serving at once; with fibers and threads it is cancelled still when this returns. Parks a
 * fiber; on a plain thread it is that thread that serves, together with its own. It can be called again.
 * Python: serve_forever. */
int hawser_serve_forever(hawser_server *server);

/* Waits for one request, at most `timeout`, and serves it: in the calling task, with threads and forks beside it. 1; 0 when
 * none came (after handle_timeout) or it was refused; -1 with errno. Python: handle_request. */
int hawser_handle_request(hawser_server *server);

/* What happened to the requests that were being served when a stop was asked for. */
typedef struct hawser_server_result {
    uint64_t finished;
    uint64_t cut;
} hawser_server_result;

/* Asks SERVER to stop, and returns at once. It accepts no more, serves what already waits to be accepted, lets handlers end,
 * and after SECONDS (HAWSER_NO_TIMEOUT: never) cancels those that have not: their calls that wait fail with ECANCELED, with
 * forks the children get SIGTERM. Asking again can only shorten the time; 0 cuts at once. Before hawser_serve_forever it makes
 * that return at once. Async-signal-safe; callable from handlers and any thread. */
void hawser_server_stop(hawser_server *server, double seconds);

/* Asks in the same way and waits until the server is quiet; RESULT may be NULL. 0; -1 with EDEADLK in a handler or hook of this
 * server (it has been asked), or when the waiting itself was cut short. Python: shutdown. */
int hawser_server_shutdown(hawser_server *server, double seconds, hawser_server_result *result);

/* From now on SIGINT and SIGTERM stop SERVER, with the option `drain` for time; the second cuts at once. Their old actions come
 * back with hawser_server_close. 0; -1 with EBUSY (another server of this process has them), or as sigaction. */
int hawser_server_stop_on_signals(hawser_server *server);

/* Closes the listeners and frees SERVER, which is not serving; handlers that hawser_handle_request has left running are waited
 * for. NULL does nothing. Python: server_close. */
void hawser_server_close(hawser_server *server);

/* The option `user`. */
void *hawser_server_user(const hawser_server *server);
/* The first listener, still SERVER's; NULL before hawser_server_bind. Python: socket, fileno. */
hawser_sock *hawser_server_socket(const hawser_server *server);
int hawser_server_fileno(const hawser_server *server);
/* The addresses of all listeners, with real ports: fills at most N of OUT, returns how many there are. Python: server_address.
 * */
ssize_t hawser_server_addresses(hawser_server *server, hawser_addr *out, size_t n);

/* The defaults of the hooks, for those that replace them. */
int hawser_server_bind(hawser_server *server);
int hawser_server_activate(hawser_server *server);
/* Takes what R->listener has: a connection into sock and peer, or a datagram into the R->size bytes at R->data (R->size becomes
 * its length), peer and truncated. 0; -1 with errno, EAGAIN when there is nothing after all. */
int hawser_server_get_request(hawser_server *server, hawser_request *r);
/* Takes R over, if it gives 0. */
int hawser_server_process_request(hawser_request *r);
void hawser_server_finish_request(hawser_request *r);
void hawser_server_shutdown_request(hawser_request *r);
void hawser_server_close_request(hawser_request *r);
void hawser_server_handle_error(hawser_request *r, const char *sentence);

HAWSER_END

#endif
