/* SPDX-License-Identifier: MIT */
/* Memory as the source of a file: a datagram that has come, and the answer to it. */
#include "stream/source.h"

#include <errno.h>
#include <string.h>

static ssize_t memory_read(struct hawser__source *source, void *buf, size_t size, hawser__deadline deadline) {
    size_t n = size < source->size ? size : source->size;
    (void)deadline;
    memcpy(buf, source->data, n);
    source->data += n;
    source->size -= n;
    return (ssize_t)n;
}

/* What does not fit is no answer at all: half of a datagram helps nobody. */
static ssize_t memory_write(struct hawser__source *source, const void *data, size_t size, hawser__deadline deadline) {
    int result = hawser__buffer_append(source->taken, data, size);
    (void)deadline;
    return result == -ENOBUFS ? -EMSGSIZE : result < 0 ? result : (ssize_t)size;
}

static hawser__deadline memory_deadline(struct hawser__source *source) {
    (void)source;
    return HAWSER__NEVER;
}

static int memory_settimeout(struct hawser__source *source, int64_t ns) {
    (void)source, (void)ns;
    return -EINVAL;
}

static const char *memory_name(struct hawser__source *source, hawser_addr *addr) {
    (void)source, (void)addr;
    return "a datagram";
}

static void memory_close(struct hawser__source *source) {
    (void)source;
}

static const struct hawser__source_ops memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .deadline = memory_deadline,
    .settimeout = memory_settimeout,
    .name = memory_name,
    .close = memory_close,
};

void hawser__source_open_memory(struct hawser__source *source, const void *data, size_t size, struct hawser__buffer *taken) {
    source->ops = &memory_ops;
    source->data = data;
    source->size = size;
    source->taken = taken;
}
