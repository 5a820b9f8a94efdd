/* SPDX-License-Identifier: MIT */
/* hawser_dump while everything moves: every line is one of the known forms, and the counts are those of the lines. */

#include "stress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct reading {
    long announced, seen;   /* fibers of the worker at hand */
    int workers;
};

static void end_worker(const struct reading *reading) {
    MUST(reading->workers == 0 || reading->announced == reading->seen);
}

static void read_line(struct reading *reading, const char *line) {
    int number;
    long count;
    unsigned long long fiber;
    if (sscanf(line, "worker %d: %ld fiber", &number, &count) == 2) {
        end_worker(reading);
        reading->workers++;
        MUST(number == reading->workers);
        reading->announced = count;
        reading->seen = 0;
    } else if (sscanf(line, "fiber %llu \"", &fiber) == 1) {
        reading->seen++;
        MUST(strchr(line, '"') != strrchr(line, '"'));
    } else {
        MUST(strncmp(line, "run ", 4) == 0 || strncmp(line, "worker ", 7) == 0);
    }
}

void check_dump(void) {
    struct reading reading = {0};
    char line[512];
    int fd = memfd_create("dump", MFD_CLOEXEC);
    if (fd < 0)
        return;
    MUST(hawser_dump(fd) == 0);
    lseek(fd, 0, SEEK_SET);
    FILE *file = fdopen(fd, "r");
    MUST(file != NULL);
    while (fgets(line, sizeof line, file)) {
        MUST(line[strlen(line) - 1] == '\n');
        read_line(&reading, line + strspn(line, " "));
    }
    end_worker(&reading);
    MUST(reading.workers == hawser_workers());
    fclose(file);
}
