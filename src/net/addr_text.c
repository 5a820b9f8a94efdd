/* SPDX-License-Identifier: MIT */
/*
 * Addresses as text, both ways: the table of families, the form for all others (family:N:HEXBYTES), and the tools that the
 * families' own files write and read with.
 */
#include "net/addr_forms.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const struct hawser__addr_form *const forms[] = {
    &hawser__form_ip4,    &hawser__form_ip6,   &hawser__form_unix, &hawser__form_netlink,
    &hawser__form_packet, &hawser__form_vsock, &hawser__form_can,  &hawser__form_alg,
    &hawser__form_rds,
};
#define FORMS (sizeof forms / sizeof *forms)

static const char other_prefix[] = "family:";

void hawser__write(struct hawser__writer *writer, const char *format, ...) {
    bool room = writer->length < writer->size;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(room ? writer->out + writer->length : NULL, room ? writer->size - writer->length : 0, format, args);
    va_end(args);
    writer->length += n > 0 ? (size_t)n : 0;
}

void hawser__write_name(struct hawser__writer *writer, const void *name, size_t len, const char *also) {
    const unsigned char *bytes = name;
    for (size_t i = 0; i < len; i++) {
        bool plain = bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '\\' && !(also && strchr(also, bytes[i]));
        hawser__write(writer, plain ? "%c" : "\\x%02x", bytes[i]);
    }
}

static const struct hawser__addr_form *form_of(int family) {
    for (size_t i = 0; i < FORMS; i++)
        if (forms[i]->family == family && family != AF_UNSPEC)
            return forms[i];
    return NULL;
}

const struct hawser__addr_form *hawser__addr_form(const hawser_addr *addr, hawser_addr *ret) {
    hawser_addr copy = {.len = addr->len < sizeof addr->ss ? addr->len : sizeof addr->ss};
    memcpy(&copy.ss, &addr->ss, copy.len);
    hawser_addr normal = copy;
    const struct hawser__addr_form *form = form_of(hawser_addr_family(&copy));
    bool has_form = form && form->normal(&normal);
    *ret = has_form ? normal : copy;
    return has_form ? form_of(normal.ss.ss_family) : NULL;   /* IPv6 may have become IPv4 */
}

static void print_bytes(const hawser_addr *addr, struct hawser__writer *writer) {
    const unsigned char *bytes = (const unsigned char *)&addr->ss;
    hawser__write(writer, "%s%d:", other_prefix, addr->ss.ss_family);
    for (size_t i = sizeof(sa_family_t); i < addr->len; i++)
        hawser__write(writer, "%02x", bytes[i]);
}

const char *hawser_addr_str(hawser_addr *addr) {
    hawser_addr normal;
    struct hawser__writer writer = {.out = addr->text, .size = sizeof addr->text};
    const struct hawser__addr_form *form = hawser__addr_form(addr, &normal);
    addr->text[0] = '\0';
    if (form) {
        if (form->prefix)
            hawser__write(&writer, "%s", form->prefix);
        form->print(&normal, &writer);
    } else if (normal.len >= sizeof(sa_family_t)) {
        print_bytes(&normal, &writer);
    }
    return addr->text;
}

ssize_t hawser_addr_host(const hawser_addr *addr, char *out, size_t size) {
    hawser_addr normal;
    char text[HAWSER_ADDR_TEXT] = "";
    struct hawser__writer writer = {.out = text, .size = sizeof text};
    const struct hawser__addr_form *form = hawser__addr_form(addr, &normal);
    int code = form && form->print_host ? 0 : EAFNOSUPPORT;
    if (code == 0) {
        form->print_host(&normal, &writer);
        code = writer.length < size ? 0 : HAWSER_EOVERFLOW;
    }
    if (code != 0)
        return hawser__fail(code, "write host of %s", hawser_addr_str(&normal));
    memcpy(out, text, writer.length + 1);
    return (ssize_t)writer.length;
}

bool hawser__read_field(struct hawser__reader *reader, const char **ret, size_t *ret_len) {
    if (!reader->at)
        return false;
    *ret = reader->at;
    *ret_len = strcspn(reader->at, ":");
    reader->at = reader->at[*ret_len] ? reader->at + *ret_len + 1 : NULL;
    return true;
}

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

int hawser__read_number(const char *text, size_t len, uint64_t max, uint64_t *ret) {
    int base = len > 2 && text[0] == '0' && text[1] == 'x' ? 16 : 10;
    uint64_t number = 0;
    bool too_large = false;
    if (len == 0)
        return -HAWSER_EADDRESS;
    for (size_t i = base == 16 ? 2 : 0; i < len; i++) {
        int next = digit(text[i]);
        if (next >= base)
            return -HAWSER_EADDRESS;
        too_large = too_large || number > (max - (uint64_t)next) / (uint64_t)base;
        number = number * (uint64_t)base + (uint64_t)next;
    }
    if (too_large)
        return -ERANGE;
    *ret = number;
    return 0;
}

int hawser__read_numbers(struct hawser__reader *reader, size_t n, const uint64_t *max, uint64_t *ret) {
    const char *field;
    size_t len;
    for (size_t i = 0; i < n; i++) {
        ret[i] = 0;
        if (!hawser__read_field(reader, &field, &len))
            continue;
        int code = hawser__read_number(field, len, max[i], &ret[i]);
        if (code < 0)
            return code;
    }
    return 0;
}

int hawser__read_last_numbers(struct hawser__reader *reader, size_t n, const uint64_t *max, uint64_t *ret) {
    int code = hawser__read_numbers(reader, n, max, ret);
    return code < 0 || !reader->at ? code : -HAWSER_EADDRESS;
}

ssize_t hawser__read_name(const char *text, size_t len, char *out, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++, n++) {
        char byte = text[i];
        if (byte == '\\') {
            if (len - i < 4 || text[i + 1] != 'x' || digit(text[i + 2]) > 15 || digit(text[i + 3]) > 15)
                return -HAWSER_EADDRESS;
            byte = (char)(digit(text[i + 2]) * 16 + digit(text[i + 3]));
            i += 3;
        }
        if (n < size)
            out[n] = byte;
    }
    return n > size ? -ENAMETOOLONG : (ssize_t)n;
}

/* The general form, behind its prefix. */
static int read_bytes(hawser_addr *ret, const char *text) {
    struct hawser__reader reader = {.at = text};
    unsigned char *bytes = (unsigned char *)&ret->ss;
    const char *field;
    uint64_t family;
    size_t len;
    hawser__read_field(&reader, &field, &len);
    int code = hawser__read_number(field, len, UINT16_MAX, &family);
    if (code < 0)
        return code;
    if (!hawser__read_field(&reader, &field, &len) || reader.at || len % 2 != 0)
        return -HAWSER_EADDRESS;
    if (len / 2 > sizeof ret->ss - sizeof(sa_family_t))
        return -ENAMETOOLONG;
    for (size_t i = 0; i < len; i++)
        if (digit(field[i]) > 15)
            return -HAWSER_EADDRESS;
    ret->ss.ss_family = (sa_family_t)family;
    for (size_t i = 0; i < len / 2; i++)
        bytes[sizeof(sa_family_t) + i] = (unsigned char)(digit(field[2 * i]) * 16 + digit(field[2 * i + 1]));
    ret->len = (socklen_t)(sizeof(sa_family_t) + len / 2);
    return 0;
}

static int read_text(hawser_addr *ret, const char *text) {
    for (size_t i = 0; i < FORMS; i++) {
        const char *prefix = forms[i]->prefix;
        if (prefix && strncmp(text, prefix, strlen(prefix)) == 0)
            return forms[i]->read(ret, text + strlen(prefix));
    }
    if (strncmp(text, other_prefix, strlen(other_prefix)) == 0)
        return read_bytes(ret, text + strlen(other_prefix));
    return hawser__form_ip4.read(ret, text);
}

int hawser__addr_parse(hawser_addr *ret, const char *text) {
    hawser_addr addr = {.len = 0};
    int code = read_text(&addr, text);
    if (code == 0)
        *ret = addr;
    return code;
}

int hawser_addr_parse(hawser_addr *ret, const char *text) {
    int code = hawser__addr_parse(ret, text ? text : "");
    if (code == -ERANGE)
        return hawser__fail_sentence(ERANGE, "read address %s: a number is too large", text);
    return code < 0 ? hawser__fail(code, "read address %s", text ? text : "") : 0;
}
