/* SPDX-License-Identifier: MIT */
/*
 * The text forms, one record a family, shared between the files that define them (addr_ip.c, addr_unix.c, addr_linux.c) and
 * addr_text.c, which has the table. What makes them read back is one rule: read(print(normal(addr))) is normal(addr), byte for
 * byte; an address of which that would not be true has no normal form and is written as family:N:HEXBYTES.
 */
#ifndef HAWSER__ADDR_FORMS_H
#define HAWSER__ADDR_FORMS_H

#include "net/addr.h"

/* Text being written. Nothing is cut: every form fits HAWSER_ADDR_TEXT, and hawser_addr_host has measured before. */
struct hawser__writer {
    char *out;
    size_t size, length;   /* length counts what did not fit too */
};

void hawser__write(struct hawser__writer *writer, const char *format, ...) HAWSER_FORMAT(2, 3);
/* Bytes of a name; those that are not printable ASCII, backslashes, and those in ALSO (may be NULL) as \xHH. */
void hawser__write_name(struct hawser__writer *writer, const void *name, size_t len, const char *also);

/* Text being read: what is left of it. Fields are separated by colons. */
struct hawser__reader {
    const char *at;   /* NULL behind the last field */
};

/* The next field, up to a colon or the end. false when there is none. */
bool hawser__read_field(struct hawser__reader *reader, const char **ret, size_t *ret_len);
/* LEN bytes of TEXT as a number, decimal or 0x and hexadecimal. -HAWSER_EADDRESS; -ERANGE above MAX. */
int hawser__read_number(const char *text, size_t len, uint64_t max, uint64_t *ret);
/* N fields as numbers up to MAX[i] each. Fields missing at the end are 0. */
int hawser__read_numbers(struct hawser__reader *reader, size_t n, const uint64_t *max, uint64_t *ret);
/* The same, and nothing may follow. */
int hawser__read_last_numbers(struct hawser__reader *reader, size_t n, const uint64_t *max, uint64_t *ret);
/* LEN bytes of TEXT with their \xHH undone into OUT. The count of bytes; -HAWSER_EADDRESS, -ENAMETOOLONG beyond SIZE. */
ssize_t hawser__read_name(const char *text, size_t len, char *out, size_t size);

struct hawser__addr_form {
    int family;           /* AF_UNSPEC: a spelling that is read only */
    const char *prefix;   /* NULL: IP addresses, which have none */
    /* ADDR (its unused bytes are 0, its length at least that of a family number) becomes normal; false: no such form. Normal
     * addresses that name the same endpoint have the same bytes. */
    bool (*normal)(hawser_addr *addr);
    /* Of a normal address. */
    void (*print)(const hawser_addr *addr, struct hawser__writer *writer);        /* behind the prefix */
    void (*print_host)(const hawser_addr *addr, struct hawser__writer *writer);   /* NULL: no host part */
    int64_t (*port)(const hawser_addr *addr);                                     /* NULL: no port */
    bool (*is_loopback)(const hawser_addr *addr);                                 /* NULL: never */
    /* TEXT behind the prefix, into a zeroed RET; 0 or a negative code. */
    int (*read)(hawser_addr *ret, const char *text);
};

/* The form in which ADDR is written, and in *RET (may be ADDR) ADDR as it is then, normal. NULL: it is written as
 * family:N:HEXBYTES, and *RET is a copy. */
const struct hawser__addr_form *hawser__addr_form(const hawser_addr *addr, hawser_addr *ret);

extern const struct hawser__addr_form hawser__form_ip4, hawser__form_ip6, hawser__form_rds;             /* addr_ip.c */
extern const struct hawser__addr_form hawser__form_unix;                                                /* addr_unix.c */
extern const struct hawser__addr_form hawser__form_netlink, hawser__form_packet, hawser__form_vsock;    /* addr_linux.c */
extern const struct hawser__addr_form hawser__form_can, hawser__form_alg;                               /* addr_linux.c */

#endif
