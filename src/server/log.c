/* SPDX-License-Identifier: MIT */
#include "server/server.h"

#include <hawser/activation.h>
#include <hawser/error.h>

#include <errno.h>
#include <stdio.h>

void hawser__log(hawser_server *server, hawser_log_level level, const char *format, ...) {
    char sentence[HAWSER__SENTENCE + HAWSER_ADDR_TEXT];
    int saved = errno;
    va_list args;
    if (!server->options.log)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    server->options.log(server, level, sentence);
    errno = saved;
}

void hawser__log_failure(hawser_server *server, hawser_log_level level, const char *what) {
    hawser__log(server, level, "%s: %s", what, hawser_error());
}

void hawser__tell_manager(hawser_server *server, const char *state) {
    if (!server->options.no_notify && hawser_notify(state) < 0)
        hawser__log_failure(server, HAWSER_LOG_WARNING, "the service manager was not told");
}
