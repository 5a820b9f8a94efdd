/* SPDX-License-Identifier: MIT */
/*
 * A pipeline: three fibers at work at the same time, each hands on what it has made.
 *
 *   read --words--> shout --louder words--> print
 *
 * Try it: start it, once as it is and once with words after its name.
 *
 * The channels carry pointers, and what a pointer leads to belongs to whoever has received it: "shout" makes a word, "print"
 * frees it. A channel that is full holds its sender up, so the fast wait for the slow and nothing piles up. Who has no more to
 * send closes, and the one behind sees the end.
 */
#include <ctype.h>
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *silence[] = {"all", "quiet", "on", "the", "wire", NULL};
static hawser_channel *words, *louder;

static int shout(void *arg) {
    const char *word;
    (void)arg;
    while (hawser_channel_recv(words, &word) == 1) {
        char *loud = strdup(word);
        for (char *c = loud; c && *c; c++)
            *c = (char)toupper((unsigned char)*c);
        if (!loud || hawser_channel_send(louder, &loud) < 0)
            free(loud);
    }
    hawser_channel_close(louder);
    return 0;
}

static int print(void *arg) {
    char *loud;
    int count = 0;
    (void)arg;
    for (; hawser_channel_recv(louder, &loud) == 1; count++) {
        printf("%s\n", loud);
        free(loud);
    }
    printf("%d words\n", count);
    return 0;
}

static int read_words(void *arg) {
    int result = hawser_go(shout, NULL) < 0 ? -1 : hawser_go(print, NULL);
    if (result < 0)
        hawser_channel_close(louder); /* nobody would receive */
    for (const char **word = arg; result == 0 && *word; word++)
        result = hawser_channel_send(words, word);
    hawser_channel_close(words);
    return result;
}

int main(int argc, char **argv) {
    words = hawser_channel_new(sizeof(char *), 1);  /* one waits there while its receiver is at work */
    louder = hawser_channel_new(sizeof(char *), 0); /* from hand to hand */
    void *list = argc > 1 ? (void *)(argv + 1) : (void *)silence;
    int result = words && louder ? hawser_run(read_words, list, NULL) : -1;
    if (result < 0)
        fprintf(stderr, "%s\n", hawser_error());
    hawser_channel_free(words);
    hawser_channel_free(louder);
    return result < 0;
}
