/* SPDX-License-Identifier: MIT */
#include "cli/format.h"

#include <stdio.h>

const char *format_bytes(char out[static FORMAT_ROOM], uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(out, FORMAT_ROOM, "%u B", (unsigned)bytes);
        return out;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1023.5 && unit + 1 < sizeof units / sizeof *units; unit++)   /* 1023.5 would be printed as 1024 */
        value /= 1024;
    snprintf(out, FORMAT_ROOM, "%.*f %s", value < 9.95 ? 1 : 0, value, units[unit]);
    return out;
}

const char *format_count(char out[static FORMAT_ROOM], uint64_t count) {
    char digits[FORMAT_ROOM];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), used = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *format_seconds(char out[static FORMAT_ROOM], double seconds) {
    if (seconds < 0.00995)
        snprintf(out, FORMAT_ROOM, "%.1f ms", seconds * 1e3);
    else if (seconds < 0.9995)
        snprintf(out, FORMAT_ROOM, "%.0f ms", seconds * 1e3);
    else if (seconds < 59.95)
        snprintf(out, FORMAT_ROOM, "%.1f s", seconds);
    else if (seconds < 3599.5)
        snprintf(out, FORMAT_ROOM, "%d min %02d s", (int)(seconds + 0.5) / 60, (int)(seconds + 0.5) % 60);
    else
        snprintf(out, FORMAT_ROOM, "%.0f h %02d min", (double)((long long)seconds / 3600), (int)((long long)seconds / 60 % 60));
    return out;
}
