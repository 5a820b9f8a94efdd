/* SPDX-License-Identifier: MIT */
/* Datagrams that the kernel joins, and that the server takes apart. */
#include "serving.h"

#include "base/udp.h"

#include <netinet/in.h>
#include <unistd.h>

#define SEGMENT 1000
#define SEGMENTS 10

static void check_segment(hawser_request *r) {
    atomic_fetch_add(count_of(r, r->size == SEGMENT && !r->truncated ? 0 : 1), 1);
    atomic_fetch_add(count_of(r, 2), 1);
    hawser_puts(r->wfile, "k");
}

static void joined_datagrams_may_be_longer_than_the_longest_one(const setting *in) {
    static const char joined[SEGMENT * SEGMENTS];
    int segment = SEGMENT;
    (void)in;
    hawser_server_options options = {.workers = 1, .segmentation = true, .max_packet_size = 1500};
    static serving s;
    serve(&s, UDP, check_segment, &options);
    int fd = open_client(&s);
    bool joins = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0;
    for (int i = 0; joins && i < 10; i++) {
        assert_true(raw_write(fd, joined, sizeof joined));
        assert_true(wait_for_count(&s.board->counts[2], SEGMENTS * (i + 1)));
    }
    close(fd);
    stop_serving(&s);
    if (!joins) {
        print_message("    this kernel does not split datagrams\n");
        skip();
    }
    assert_int_equal(atomic_load(&s.board->counts[0]), 10 * SEGMENTS);
    assert_int_equal(atomic_load(&s.board->counts[1]), 0);
    assert_int_equal(s.counters.datagrams_truncated, 0);
}

static const serving_case cases[] = {
    CASE(joined_datagrams_may_be_longer_than_the_longest_one, 0, 0),
};

int main(void) {
    return run_cases(cases);
}
