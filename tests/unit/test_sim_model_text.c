/* SPDX-License-Identifier: MIT */
/* sim/model_text: models as text. */
#include "support.h"

#include <locale.h>

#include "sim/model_text.h"

static const char *written(const hawser_sim_model *model) {
    static char text[HAWSER__MODEL_TEXT];
    memset(text, 'x', sizeof text);
    hawser__model_write(model, text);
    assert_true(strlen(text) < HAWSER__MODEL_TEXT - 1);
    return text;
}

static void what_is_not_named_stays(void **state) {
    (void)state;
    hawser_sim_model model = {.link = {.loss = 0.5, .cut = true}, .workers = 3};
    assert_null(hawser__model_read(&model, "loss=0.25,crash_every=5,buffer=4096"));
    assert_true(model.link.loss == 0.25 && model.link.cut && model.workers == 3);
    assert_true(model.crash_every == 5 && model.buffer == 4096);
    assert_null(hawser__model_read(&model, "cut=0,workers=0"));
    assert_true(!model.link.cut && model.workers == 0 && model.crash_every == 5);
}

static void text_without_anything_in_it_changes_nothing(void **state) {
    (void)state;
    hawser_sim_model model = {.link = {.loss = 0.5}};
    assert_null(hawser__model_read(&model, ""));
    assert_string_equal(written(&model), "perfect,loss=0.5");
}

static void perfect_is_zero_but_keeps_what_cannot_be_named(void **state) {
    (void)state;
    int argument;
    hawser_sim_model model = {.link = {.loss = 0.5, .cut = true}, .workers = 3, .time_limit = 9, .trace_arg = &argument,
                              .quiet = true};
    assert_null(hawser__model_read(&model, "perfect,latency=1"));
    assert_string_equal(written(&model), "perfect,latency=1");
    assert_true(model.quiet && model.trace_arg == &argument);
}

static void nonsense_is_pointed_at_and_changes_nothing(void **state) {
    (void)state;
    static const char *const nonsense[] = {
        "los=1", "loss", "loss=", "=1", "loss=x", "loss=1x", "loss=-1", "loss=+1", "loss= 1", " loss=1", "loss=1e999",
        "loss=nan", "loss=inf", "loss=0x1", "loss=.", "loss=e", "loss=0,5", "workers=1.5", "workers=99999999999", "cut=2",
        "buffer=0.5", "buffer=1e18", "Loss=1", "link.loss=1", "imperfect", "", "trace=1", "quiet=1",
        "loss=0.00000000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        char text[128];
        hawser_sim_model model = {.workers = 7};
        snprintf(text, sizeof text, "jitter=1,%s", nonsense[i]);
        const char *at = hawser__model_read(&model, text);
        const char *expected = strcmp(nonsense[i], "loss=0,5") == 0 ? text + 16 : text + 9;   /* a second part */
        if (at != expected)
            fail_msg("\"%s\": the fault is seen at \"%s\"", text, at ? at : "no place");
        assert_string_equal(written(&model), "perfect,workers=7");
    }
}

static void numbers_are_written_with_as_few_digits_as_say_them(void **state) {
    (void)state;
    static const struct { double value; const char *text; } numbers[] = {
        {0.1, "0.1"}, {0.02, "0.02"}, {1.0 / 3, "0.3333333333333333"}, {1e-5, "1e-05"}, {86400, "86400"},
        {1e15, "1000000000000000"}, {1.7976931348623157e308, "1.7976931348623157e+308"}, {5e-324, "5e-324"}, {2.5, "2.5"},
        {0.1 + 0.2, "0.30000000000000004"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        hawser_sim_model model = {.link = {.latency = numbers[i].value}}, back = {.workers = 0};
        assert_string_equal(written(&model) + strlen("perfect,latency="), numbers[i].text);
        assert_null(hawser__model_read(&back, written(&model)));
        assert_true(back.link.latency == numbers[i].value);
    }
}

/* Each field its own value, long ones. */
static void every_field_comes_back(void **state) {
    (void)state;
    hawser_sim_model model = {.workers = 0}, back = {.workers = 0};
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++) {
        const struct hawser__model_field *field = &hawser__model_fields[i];
        if (!hawser__model_set(&model, field, 1.0 / (double)(i + 3) * 1e-200))
            assert_true(hawser__model_set(&model, field, (double)(i + 1)) || hawser__model_set(&model, field, 1));
    }
    assert_null(hawser__model_read(&back, written(&model)));
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++)
        assert_true(hawser__model_get(&model, &hawser__model_fields[i]) == hawser__model_get(&back, &hawser__model_fields[i]));
}

/* Bytes of the struct that belong to no field would be one that was forgotten, or what aligns the others. */
static void no_field_of_the_struct_is_forgotten(void **state) {
    (void)state;
    hawser_sim_model model;
    memset(&model, 0xff, sizeof model);
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++)
        assert_true(hawser__model_set(&model, &hawser__model_fields[i], 0));
    const unsigned char *bytes = (const unsigned char *)&model;
    size_t left = 0, known = sizeof model.trace + sizeof model.trace_arg + sizeof model.quiet;
    for (size_t i = 0; i < sizeof model; i++)
        left += bytes[i] == 0xff;
    /* Behind cut and quiet, and behind workers and descriptors. */
    size_t padding = 2 * (sizeof(double) - sizeof(bool)) + 2 * (sizeof(double) - sizeof(int));
    assert_int_equal(left, known + padding);
}

static void a_value_that_the_field_cannot_have_is_refused(void **state) {
    (void)state;
    hawser_sim_model model = {.workers = 5};
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++)
        if (strcmp(hawser__model_fields[i].name, "workers") == 0) {
            assert_false(hawser__model_set(&model, &hawser__model_fields[i], -1));
            assert_false(hawser__model_set(&model, &hawser__model_fields[i], 2.5));
            assert_false(hawser__model_set(&model, &hawser__model_fields[i], 3e9));
        }
    assert_int_equal(model.workers, 5);
}

static void the_locale_has_no_say(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    const char *set = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]);
    if (!set) {
        print_message("    no locale with a comma is installed here\n");
        skip();
    }
    hawser_sim_model model = {.link = {.loss = 0.25}}, back = {.workers = 0};
    char text[HAWSER__MODEL_TEXT];
    hawser__model_write(&model, text);
    const char *fault = hawser__model_read(&back, text);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(text, "perfect,loss=0.25");
    assert_null(fault);
    assert_true(back.link.loss == 0.25);
}

static void errno_is_left_alone(void **state) {
    (void)state;
    hawser_sim_model model = {.workers = 0};
    errno = 77;
    assert_non_null(hawser__model_read(&model, "loss=1e999"));
    assert_null(hawser__model_read(&model, "latency=5e-324"));
    (void)written(&model);
    assert_int_equal(errno, 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_named_stays),
        cmocka_unit_test(text_without_anything_in_it_changes_nothing),
        cmocka_unit_test(perfect_is_zero_but_keeps_what_cannot_be_named),
        cmocka_unit_test(nonsense_is_pointed_at_and_changes_nothing),
        cmocka_unit_test(numbers_are_written_with_as_few_digits_as_say_them),
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(no_field_of_the_struct_is_forgotten),
        cmocka_unit_test(a_value_that_the_field_cannot_have_is_refused),
        cmocka_unit_test(the_locale_has_no_say),
        cmocka_unit_test(errno_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
