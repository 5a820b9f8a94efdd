/* SPDX-License-Identifier: MIT */
#include "net/race_order.h"

/* Takes the first entry whose family is (or is not) FAMILY out of the list; NULL when there is none. */
static hawser_addrinfo *take(hawser_addrinfo **list, int family, bool same) {
    for (hawser_addrinfo **link = list; *link; link = &(*link)->next)
        if (((*link)->family == family) == same) {
            hawser_addrinfo *entry = *link;
            *link = entry->next;
            return entry;
        }
    return NULL;
}

void hawser__race_order(hawser_addrinfo **list) {
    hawser_addrinfo *ordered = NULL, **end = &ordered, *entry;
    int first = *list ? (*list)->family : AF_UNSPEC;
    for (bool same = true; *list; same = !same)
        if ((entry = take(list, first, same))) {
            *end = entry;
            end = &entry->next;
            *end = NULL;
        }
    *list = ordered;
}
