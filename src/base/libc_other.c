/* SPDX-License-Identifier: MIT */
/*
 * base/libc.h on C libraries other than the GNU one, such as musl. There h_errno has no value for "see errno": NO_RECOVERY
 * stands for both, and what tells them apart is that a name server's failure comes with EBADMSG. A protocol that the table of
 * services does not know is EINVAL. The table of protocols has no reentrant function: it is asked under a lock and copied out,
 * which is no more than a walk through memory on musl.
 */
#include "base/libc.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

static pthread_mutex_t protocols = PTHREAD_MUTEX_INITIALIZER;

bool hawser__libc_host_error_is_errno(int host_error, int result) {
    return host_error == NO_RECOVERY && result != EBADMSG;
}

bool hawser__libc_entry_absent(int result) {
    return result == 0 || result == ENOENT || result == EINVAL;
}

static size_t count_aliases(char **aliases) {
    size_t n = 0;
    while (aliases && aliases[n])
        n++;
    return n;
}

/* Where the next text of a copied entry goes, and the end of the room. */
typedef struct room {
    char *at, *end;
} room;

/* TEXT copied; NULL when there is no room. */
static char *put(room *left, const char *text) {
    size_t size = strlen(text) + 1;
    if (size > (size_t)(left->end - left->at))
        return NULL;
    left->at += size;
    return memcpy(left->at - size, text, size);
}

/* The list of aliases comes first, because of its alignment. */
static int copy(const struct protoent *from, struct protoent *ret, char *buf, size_t size) {
    size_t n = count_aliases(from->p_aliases), padding = -(uintptr_t)buf % _Alignof(char *);
    if (size < padding || size - padding < (n + 1) * sizeof(char *))
        return ERANGE;
    char **aliases = (char **)(void *)(buf + padding);
    room left = {(char *)(aliases + n + 1), buf + size};
    *ret = (struct protoent){.p_proto = from->p_proto, .p_aliases = aliases, .p_name = put(&left, from->p_name)};
    aliases[n] = NULL;
    for (size_t i = 0; i < n; i++)
        if (!(aliases[i] = put(&left, from->p_aliases[i])))
            return ERANGE;
    return ret->p_name ? 0 : ERANGE;
}

int hawser__libc_getprotobyname(const char *name, struct protoent *ret, char *buf, size_t size, struct protoent **entry) {
    pthread_mutex_lock(&protocols);
    const struct protoent *found = getprotobyname(name);
    int result = found ? copy(found, ret, buf, size) : ENOENT;
    pthread_mutex_unlock(&protocols);
    *entry = result == 0 ? ret : NULL;
    return result;
}

/* It lies within the list's own memory. */
int hawser__libc_set_canonname(struct addrinfo *entry, char *name) {
    entry->ai_canonname = name;
    return 0;
}

size_t hawser__libc_signal_stack(void) {
    return 0;
}
