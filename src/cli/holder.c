/* SPDX-License-Identifier: MIT */
/*
 * /proc/net lists the sockets with their inode numbers, /proc/PID/fd links descriptors to "socket:[inode]". Both may be closed
 * to us, and both may change while we read: then there is no answer, which is fine for a hint.
 */
#include "cli/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 16
#define TCP_LISTEN 0x0a

struct inodes {
    unsigned long number[MOST];
    size_t count;
};

static void add(struct inodes *inodes, unsigned long inode) {
    if (inode != 0 && inodes->count < MOST)
        inodes->number[inodes->count++] = inode;
}

/* "sl local:port remote:port state queues timer retransmits uid timeout inode ..." */
static void read_ports(struct inodes *inodes, const char *table, int port, bool udp) {
    char line[512];
    FILE *file = fopen(table, "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned local, state;
        unsigned long inode;
        if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &local, &state, &inode) == 3 &&
            local == (unsigned)port && (udp || state == TCP_LISTEN))
            add(inodes, inode);
    }
    if (file)
        fclose(file);
}

/* "number: references protocol flags type state inode path"; an abstract name is shown with an @ in front. */
static void read_paths(struct inodes *inodes, const char *path) {
    char line[512];
    FILE *file = fopen("/proc/net/unix", "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned long inode;
        int start = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %n", &inode, &start) == 1 && start > 0 && strcmp(line + start, path) == 0)
            add(inodes, inode);
    }
    if (file)
        fclose(file);
}

static bool is_one(const struct inodes *inodes, const char *target) {
    unsigned long inode;
    if (sscanf(target, "socket:[%lu]", &inode) != 1)
        return false;
    for (size_t i = 0; i < inodes->count; i++) {
        if (inodes->number[i] == inode)
            return true;
    }
    return false;
}

static bool holds(const char *pid, const struct inodes *inodes) {
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        found = is_one(inodes, target);
    }
    if (folder)
        closedir(folder);
    return found;
}

static void read_name(struct holder *holder) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", holder->pid);
    FILE *file = fopen(path, "re");
    snprintf(holder->name, sizeof holder->name, "unknown");
    if (file && fgets(holder->name, sizeof holder->name, file))
        holder->name[strcspn(holder->name, "\n")] = '\0';
    if (file)
        fclose(file);
}

bool holder_find(struct holder *ret, const char *path, int port, bool udp) {
    struct inodes inodes = {.count = 0};
    if (path)
        read_paths(&inodes, path + strlen("unix:"));
    else {
        read_ports(&inodes, udp ? "/proc/net/udp" : "/proc/net/tcp", port, udp);
        read_ports(&inodes, udp ? "/proc/net/udp6" : "/proc/net/tcp6", port, udp);
    }
    DIR *processes = inodes.count > 0 ? opendir("/proc") : NULL;
    bool found = false;
    for (struct dirent *entry; processes && !found && (entry = readdir(processes));) {
        found = isdigit((unsigned char)entry->d_name[0]) && holds(entry->d_name, &inodes);
        if (found)
            ret->pid = (int)strtol(entry->d_name, NULL, 10);
    }
    if (processes)
        closedir(processes);
    if (found)
        read_name(ret);
    return found;
}
