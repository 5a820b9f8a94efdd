/* SPDX-License-Identifier: MIT */
/*
 * The polite close. Closing with input unread makes the kernel send a reset, which overtakes and destroys the last reply; so
 * the end of stream is sent first and input is dropped until the peer has ended too, within the time given.
 */
#include "base/error.h"
#include "net/handle.h"
#include "net/sock.h"
#include "net/timeout.h"

/* 0 = the peer's end was seen, else a code. */
static ssize_t drain(hawser_sock *sock, int64_t ns) {
    char dropped[4096];
    hawser__deadline deadline = hawser__deadline_in(hawser__sock_ops(sock)->now(hawser__sock_engine(sock)), ns);
    ssize_t n = sock->transport->shutdown(sock, SHUT_WR);
    if (n < 0 && n != -ENOTCONN)   /* not connected any more: receiving says why */
        return n;
    do
        n = sock->transport->recv(sock, dropped, sizeof dropped, 0, deadline);
    while (n > 0);
    return n;
}

int hawser_close_linger(hawser_sock *sock, double seconds) {
    hawser_addr peer;
    if (!sock)
        return 0;
    (void)hawser__task_send_held(hawser__task_current());
    int64_t ns = hawser__timeout_checked(seconds);
    ssize_t result = ns < 0 ? ns : hawser__enter(sock, HAWSER__RECEIVER);
    if (result == 0) {
        result = drain(sock, ns);
        if (result < 0)
            hawser__fail((int)result, "close connection with %s", hawser__peer_text(sock, &peer));
        hawser__leave(sock, HAWSER__RECEIVER);
    } else {
        hawser__fail((int)result, "close connection with %s", hawser__peer_text(sock, &peer));
    }
    hawser_close(sock);
    return result < 0 ? -1 : 0;
}
