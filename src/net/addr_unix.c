/* SPDX-License-Identifier: MIT */
/*
 * Unix addresses. The kernel has three kinds, told apart by length and first byte: unnamed (no byte), abstract (a NUL and then
 * any bytes, all of which count), and a path, which ends at its first NUL.
 *
 * Linux accepts a path of 108 bytes without its NUL; we do not make one, since the next program to read it will read too far,
 * but one that comes in is kept, and shown as family:1:HEXBYTES.
 */
#include "net/addr_forms.h"

#include "base/error.h"

#include <string.h>
#include <sys/un.h>

#define NAME_MAX_BYTES sizeof(((struct sockaddr_un *)NULL)->sun_path)
#define HEAD offsetof(struct sockaddr_un, sun_path)

static const char *name_of(const hawser_addr *addr) {
    return (const char *)&addr->ss + HEAD;
}

int hawser__addr_unix(hawser_addr *ret, const void *name, size_t len) {
    hawser_addr addr = {.ss.ss_family = AF_UNIX};
    bool path = len > 0 && *(const char *)name != '\0';
    if (len + path > NAME_MAX_BYTES)
        return -ENAMETOOLONG;
    if (path && memchr(name, '\0', len))
        return -EINVAL;
    if (len > 0)
        memcpy((char *)&addr.ss + HEAD, name, len);
    addr.len = (socklen_t)(HEAD + len + path);
    *ret = addr;
    return 0;
}

int hawser_addr_unix(hawser_addr *ret, const void *name, size_t len) {
    int code = hawser__addr_unix(ret, name, len);
    return code < 0 ? hawser__fail(code, "make Unix address of %zu bytes", len) : 0;
}

static bool normal_unix(hawser_addr *addr) {
    size_t len = addr->len - HEAD;
    const char *name = name_of(addr);
    if (len > 0 && name[0] != '\0')
        len = strnlen(name, len);
    return hawser__addr_unix(addr, name, len) == 0;
}

/* A path that begins with '@' would be read as an abstract name. */
static void print_name(const hawser_addr *addr, struct hawser__writer *writer) {
    const char *name = name_of(addr);
    size_t len = addr->len - HEAD;
    if (len == 0)
        return;
    if (name[0] == '\0') {
        hawser__write(writer, "@");
        hawser__write_name(writer, name + 1, len - 1, NULL);
    } else {
        hawser__write_name(writer, name, 1, "@");
        hawser__write_name(writer, name + 1, len - 2, NULL);
    }
}

static int read_unix(hawser_addr *ret, const char *text) {
    char name[NAME_MAX_BYTES] = "";
    bool abstract = text[0] == '@';
    ssize_t len = hawser__read_name(text + abstract, strlen(text + abstract), name + abstract, sizeof name - abstract);
    if (len < 0)
        return (int)len;
    if (!abstract && len > 0 && name[0] == '\0')
        return -HAWSER_EADDRESS;   /* an abstract name is written with '@', and only so */
    int code = hawser__addr_unix(ret, name, (size_t)len + abstract);
    return code == -EINVAL ? -HAWSER_EADDRESS : code;
}

/* No Unix address leads to another machine. */
static bool is_loopback(const hawser_addr *addr) {
    (void)addr;
    return true;
}

const struct hawser__addr_form hawser__form_unix = {
    .family = AF_UNIX,
    .prefix = "unix:",
    .normal = normal_unix,
    .print = print_name,
    .print_host = print_name,
    .is_loopback = is_loopback,
    .read = read_unix,
};
