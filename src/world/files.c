/* SPDX-License-Identifier: MIT */
/* The files of a simulated host: names of Unix sockets, which stay when the socket is gone, and when the host crashes. */
#include "base/mem.h"
#include "world/socket_inside.h"

struct hawser__sim_file {
    hawser__sim_file *next;
    uint64_t number;
    bool is_socket;
    char path[];
};

hawser__sim_file *hawser__file_at(const hawser__host *host, const char *path) {
    hawser__sim_file *file = host->files;
    while (file && strcmp(file->path, path) != 0)
        file = file->next;
    return file;
}

uint64_t hawser__file_make(hawser__host *host, const char *path, bool is_socket) {
    size_t size = strlen(path) + 1;
    hawser__sim_file *file = hawser__alloc(sizeof *file + size);
    if (!file)
        return 0;
    *file = (hawser__sim_file){.next = host->files, .number = ++host->next_file, .is_socket = is_socket};
    memcpy(file->path, path, size);
    host->files = file;
    return file->number;
}

uint64_t hawser__host_file(const hawser__host *host, const char *path) {
    const hawser__sim_file *file = hawser__file_at(host, path);
    return file ? file->number : 0;
}

bool hawser__host_file_is_socket(const hawser__host *host, const char *path) {
    const hawser__sim_file *file = hawser__file_at(host, path);
    return file && file->is_socket;
}

bool hawser__host_file_is_live(const hawser__host *host, const char *path) {
    uint64_t number = hawser__host_file(host, path);
    for (const hawser__socket *socket = host->sockets; socket && number; socket = socket->next)
        if (socket->file == number)
            return socket->type == SOCK_DGRAM || socket->state == HAWSER__LISTENS;
    return false;
}

static void remove_at(hawser__sim_file **at) {
    hawser__sim_file *file = *at;
    *at = file->next;
    hawser__free(file);
}

void hawser__host_remove_file(hawser__host *host, const char *path) {
    for (hawser__sim_file **at = &host->files; *at; at = &(*at)->next)
        if (strcmp((*at)->path, path) == 0) {
            remove_at(at);
            return;
        }
}

void hawser__host_forget_files(hawser__host *host) {
    while (host->files)
        remove_at(&host->files);
}
