/* SPDX-License-Identifier: MIT */
/* What a step may do: each deed makes its call and tells in LINE what came of it. */
#ifndef TESTS_DIFFERENTIAL_DEEDS_H
#define TESTS_DIFFERENTIAL_DEEDS_H

#include "steps.h"

#define CONNECT_LIMIT 0.1
#define PATIENCE 500             /* milliseconds that the kernel may take to deliver */

enum aim { ANY, LISTENER, CONNECTED, ALONE, NAMED, DATAGRAMS };

typedef void hawser_deed(struct stage *stage, const struct step *step, char *line);

/* ends.c */
hawser_deed act_open, act_pair, act_serve, act_bind, act_listen, act_connect, act_dissolve, act_accept, act_shutdown, act_close;
hawser_deed act_names, act_dup, act_rebind;
/* bytes.c */
hawser_deed act_send, act_sendto, act_recv, act_message, act_fetch, act_flood, act_letters, act_segments;
/* options.c */
hawser_deed act_option, act_set_option, act_linger, act_no_linger;

__attribute__((format(printf, 2, 3))) void say(char *line, const char *format, ...);
void say_result(char *line, int64_t result);
int free_slot(const struct stage *stage);
/* SOCK goes to SLOT, and never waits. */
void keep(struct stage *stage, int slot, hawser_sock *sock);
/* STEP, done to sockets that it makes sense for: aim.c. */
struct step aimed(const struct stage *stage, const struct step *step, enum aim aim);
const char *deed_of(const struct step *step);
const char *owner_of(const struct stage *stage, const hawser_addr *addr, char text[static 16]);
/* Where STEP's other socket is, as its first may name it; else somewhere where nobody is. */
void target(const struct stage *stage, const struct step *step, hawser_addr *addr);

#endif
