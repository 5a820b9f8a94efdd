/* SPDX-License-Identifier: MIT */
#include "sim/replay.h"

#include "base/sys.h"
#include "net/addr_forms.h"
#include "sim/model_text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENTS 4096
#define SAID 8192
#define REST " # and the rest of its arguments"
#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-"

/* What there is of the arguments of the process, each with its NUL: all (*WHOLE), or those at the front. */
static size_t read_arguments(char *arguments, bool *whole) {
    int fd = hawser__sys_open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
    size_t used = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && used < ARGUMENTS) {
        n = hawser__sys_read(fd, arguments + used, ARGUMENTS - used);
        used += n > 0 ? (size_t)n : 0;
    }
    hawser__sys_close(fd);
    *whole = n == 0;
    while (used > 0 && arguments[used - 1] != '\0')   /* one that was cut is none */
        used--;
    return n < 0 ? 0 : used;
}

static bool is_control(unsigned char byte) {
    return byte < ' ' || byte == 0x7f;
}

/* As a word of bash, ksh and zsh, where a control byte is in it; otherwise of any shell. */
static void write_word(struct hawser__writer *writer, const char *word) {
    bool control = false;
    for (const char *at = word; *at; at++)
        control |= is_control((unsigned char)*at);
    if (*word && strspn(word, PLAIN) == strlen(word)) {
        hawser__write(writer, "%s", word);
        return;
    }
    hawser__write(writer, control ? "$'" : "'");
    for (; *word; word++) {
        if (is_control((unsigned char)*word))
            hawser__write(writer, "\\%03o", (unsigned char)*word);
        else if (*word == '\'')
            hawser__write(writer, control ? "\\'" : "'\\''");
        else
            hawser__write(writer, control && *word == '\\' ? "\\\\" : "%c", *word);
    }
    hawser__write(writer, "'");
}

/* Whole words, as long as they fit. False: the last of them is not there. */
static bool write_words(struct hawser__writer *writer) {
    char arguments[ARGUMENTS];
    bool whole;
    size_t end = read_arguments(arguments, &whole);
    for (size_t at = 0; at < end; at += strlen(arguments + at) + 1) {
        size_t kept = writer->length;
        hawser__write(writer, " ");
        write_word(writer, arguments + at);
        if (writer->length >= writer->size) {
            writer->length = kept;
            writer->out[kept] = '\0';
            return false;
        }
    }
    return whole;
}

void hawser__replay_arguments(char *text, size_t size) {
    struct hawser__writer writer = {text, size > sizeof REST ? size - sizeof REST : 0, 0};
    bool whole = true;
    text[0] = '\0';
    if (writer.size > 0)
        whole = write_words(&writer);
    writer.size = size;
    if (!whole && writer.length > 0)   /* the program is there */
        hawser__write(&writer, "%s", REST);
}

void hawser__replay_command(uint64_t seed, const hawser_sim_model *model, char *command, size_t size) {
    char text[HAWSER__MODEL_TEXT];
    struct hawser__writer writer = {command, size, 0};
    hawser__write(&writer, "HAWSER_SIM_SEED=%" PRIu64, seed);
    if (model) {
        hawser__model_write(model, text);
        hawser__write(&writer, " HAWSER_SIM_MODEL=%s", text);
    }
    if (writer.length < size)
        hawser__replay_arguments(command + writer.length, size - writer.length);
}

static void make_harmless(char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (is_control((unsigned char)text[i]) && text[i] != '\n')
            text[i] = '?';
}

void hawser__replay_say(const char *format, ...) {
    char text[SAID];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t length = wanted < 0 ? 0 : (size_t)wanted < sizeof text ? (size_t)wanted : sizeof text - 1;
    make_harmless(text, length);
    (void)hawser__sys_write_nosigpipe(2, text, length);
}

void hawser__replay_tell(const char *sentence, const char *command) {
    hawser__replay_say("hawser: the simulation failed: %s\nhawser: to run it again: %s\n", sentence, command);
}
