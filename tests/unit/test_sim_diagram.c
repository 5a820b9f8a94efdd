/* SPDX-License-Identifier: MIT */
/* sim/diagram, with diagram_rows and diagram_svg: traces that are written here, and what becomes of them. */
#include "support.h"

#include <fcntl.h>
#include <hawser/sim.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/diagram.h"

/* A folder with a trace and a picture; the picture's text stays until the next one. */
static char folder[] = "/tmp/hawser-diagram-XXXXXX", trace[64], picture[64];
static char *svg;

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(trace, sizeof trace, "%s/trace", folder);
    snprintf(picture, sizeof picture, "%s/picture.svg", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    free(svg);
    unlink(trace);
    unlink(picture);
    return rmdir(folder);
}

static void write_trace(const char *text) {
    FILE *file = fopen(trace, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void read_picture(void) {
    struct stat status;
    int fd = open(picture, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    free(svg);
    svg = calloc(1, (size_t)status.st_size + 1);
    assert_non_null(svg);
    assert_int_equal(read(fd, svg, (size_t)status.st_size), status.st_size);
    close(fd);
}

/* Elements are opened and closed in their order, and no text has a character in it that would be markup. */
static void check_markup(void) {
    char open_names[32][16];
    int depth = 0;
    for (const char *at = strchr(svg, '<'); at; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>');
        char name[16];
        assert_non_null(end);
        assert_int_equal(sscanf(at, at[1] == '/' ? "</%15[a-z]" : "<%15[a-z]", name), 1);
        if (at[1] == '/') {
            assert_true(depth > 0);
            assert_string_equal(open_names[--depth], name);
        } else if (end[-1] != '/') {
            assert_true(depth < 32);
            memcpy(open_names[depth++], name, sizeof name);
        }
        at = end;
    }
    assert_int_equal(depth, 0);
}

static void draw(const char *text) {
    write_trace(text);
    assert_works(hawser_sim_diagram(trace, picture));
    read_picture();
    check_markup();
}

static int count(const char *text) {
    int n = 0;
    for (const char *at = strstr(svg, text); at; at = strstr(at + 1, text))
        n++;
    return n;
}

#define assert_shows(text, times) assert_int_equal(count(text), (times))

static const char conversation[] =
    "0.000000000 main start\n"
    "0.000000000 server start\n"
    "0.001000000 main connect c1> 10.0.0.1:32768 > 10.0.0.2:80\n"
    "0.002000000 server send c1< syn+ack\n"
    "0.003000000 main established c1>\n"
    "0.003000000 main send c1> 0+10\n"
    "0.003000000 main lose c1> 0+10\n"
    "0.203000000 main again c1> 0+10\n"
    "0.204000000 server deliver c1> 0+10\n"
    "0.204000000 server send c1< 0+5\n"
    "0.205000000 server crash\n"
    "0.300000000 - partition\n"
    "0.400000000 main fail nobody answered\n";

static void what_went_from_host_to_host_is_an_arrow(void **state) {
    (void)state;
    draw(conversation);
    assert_shows("class=\"way\"", 3);    /* the SYN, its answer, and what was sent again */
    assert_shows("class=\"lost\"", 1);
    assert_shows("class=\"open\"", 1);   /* under way when the server crashed */
    assert_shows("class=\"cross\"", 2);  /* one lost, one crash */
    assert_shows("class=\"band\"", 2);   /* the partition, the failure */
    assert_shows(">main</text>", 2);
    assert_shows(">again c1&gt; 0+10</text>", 1);
    assert_shows("deliver", 0);
}

static void a_picture_says_in_words_what_it_is(void **state) {
    (void)state;
    draw(conversation);
    assert_shows("role=\"img\" aria-labelledby=\"title desc\"", 1);
    assert_shows("<title id=\"title\">What happened in a simulated network</title>", 1);
    assert_shows("Hosts: main, server. Of 13 lines of a trace 5 tell of something sent, 1 of something lost.</desc>", 1);
    assert_shows("prefers-color-scheme:dark", 1);
}

static void times_are_shown_once(void **state) {
    (void)state;
    draw(conversation);
    assert_shows(">0.000000</text>", 1);
    assert_shows(">0.003000</text>", 1);
    assert_shows(">0.400000</text>", 1);
}

static void arrows_end_where_the_same_thing_arrives(void **state) {
    (void)state;
    static struct hawser__diagram_rows rows;
    hawser__diagram *diagram = hawser__diagram_new();
    assert_non_null(diagram);
    for (const char *line = conversation; *line; line = strchr(line, '\n') + 1) {
        char one[128] = "";
        memcpy(one, line, strcspn(line, "\n"));
        hawser__diagram_add(diagram, one);
    }
    hawser__diagram_arrange(diagram, &rows);
    static const struct { int end, to; } expected[] = {[2] = {3, 1}, [3] = {4, 0}, [5] = {6, 1}, [7] = {8, 1}, [9] = {0, 0}};
    assert_int_equal(rows.count, 13);
    for (int i = 0; i < 10; i++)
        if (rows.rows[i].kind == HAWSER__ROW_SENT) {
            assert_int_equal(rows.rows[i].end, expected[i].end);
            assert_int_equal(rows.rows[i].to, expected[i].to);
        }
    hawser__diagram_free(diagram);
}

static void the_end_of_a_connection_is_not_the_end_of_its_host(void **state) {
    (void)state;
    draw("0.000000000 main start\n1.000000000 main end c1>\n2.000000000 main end, failed\n");
    assert_shows("class=\"cross\"", 1);
    draw("0.000000000 main start\n1.000000000 main end c1>\n2.000000000 main end\n");
    assert_shows("class=\"cross\"", 0);
}

/* What came behind something that was lost did not fit where it arrived: nobody tells of it. */
static void what_is_sent_again_is_what_arrives(void **state) {
    (void)state;
    static struct hawser__diagram_rows rows;
    hawser__diagram *diagram = hawser__diagram_new();
    assert_non_null(diagram);
    hawser__diagram_add(diagram, "0.000000000 main send c1> 10+5");
    hawser__diagram_add(diagram, "0.200000000 main again c1> 10+5");
    hawser__diagram_add(diagram, "0.300000000 server deliver c1> 10+5");
    hawser__diagram_arrange(diagram, &rows);
    assert_int_equal(rows.rows[0].end, 0);
    assert_int_equal(rows.rows[0].to, 1);
    assert_int_equal(rows.rows[1].end, 2);
    hawser__diagram_free(diagram);
}

static void datagrams_arrive_in_their_order_and_lost_ones_end_on_the_way(void **state) {
    (void)state;
    draw("0.000000000 main send datagram 10.0.0.1:9 > 10.0.0.2:7 5\n"
         "0.100000000 main send datagram 10.0.0.1:9 > 10.0.0.2:7 5\n"
         "0.100000000 main duplicate datagram 10.0.0.1:9 > 10.0.0.2:7 5\n"
         "0.100000000 main lose datagram 10.0.0.1:9 > 10.0.0.2:7 5\n"
         "0.200000000 server deliver datagram 10.0.0.1:9 > 10.0.0.2:7 5\n"
         "0.300000000 server drop (full) datagram 10.0.0.1:9 > 10.0.0.2:7 5\n");
    assert_shows("class=\"way\"", 2);
    assert_shows("class=\"lost\"", 1);
    assert_shows("class=\"open\"", 0);
    assert_shows(">drop (full) datagram", 1);
}

static void notes_may_be_anything(void **state) {
    (void)state;
    draw("0.000000000 main note <b> & \"c\" ]]> \001 \xff\xfe \xc3\xa4 \xed\xa0\x80 \xc3\n");
    assert_shows("note &lt;b&gt; &amp; \"c\" ]]&gt; ? ??", 1);
    assert_shows("\xc3\xa4", 1);
    assert_shows("\xed", 0);
    assert_shows("\001", 0);
}

static void long_labels_go_over_several_lines(void **state) {
    (void)state;
    char text[600] = "0.000000000 main note ";
    memset(text + strlen(text), 'x', 60);
    strcpy(text + strlen(text), " one two three four five six seven eight\n");
    draw(text);
    assert_shows("class=\"right\"", 5);
    assert_shows(">xxxxxxxxxxxxxxxxxxxxxxxxxxxx</text>", 2);
    assert_shows(">xxxx one two three four five</text>", 1);
    assert_shows(">six seven eight</text>", 1);
}

static void of_a_long_trace_the_end_is_drawn(void **state) {
    (void)state;
    FILE *file = fopen(trace, "w");
    assert_non_null(file);
    for (int i = 0; i < 1234; i++)
        fprintf(file, "%d.000000000 main note number %d.\n", i, i);
    fclose(file);
    assert_works(hawser_sim_diagram(trace, picture));
    read_picture();
    check_markup();
    assert_shows("the last 500 lines of the trace; 734 before them are left out", 1);
    assert_shows("note number 733.", 0);
    assert_shows("note number 734.", 1);
    assert_shows("note number 1233.", 1);
}

static void of_many_hosts_the_first_are_drawn(void **state) {
    (void)state;
    char text[2048] = "";
    for (int i = 0; i < 20; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "0.000000000 host-with-a-long-name-%d start\n", i);
    draw(text);
    assert_shows("class=\"host\"", 32);
    assert_shows(">host-with-...</text>", 32);
    assert_shows("4 lines of further hosts are left out", 1);
}

static void lines_of_another_form_are_passed_over(void **state) {
    (void)state;
    draw("\nhello\n0.5 main start\n.000000000 main start\n0.000000000 main\n0.000000000  x\n0.000000000 main note one\n"
         "0.000000000 main note no newline");
    assert_shows("class=\"right\"", 2);
    assert_shows("no newline", 1);
}

static void a_line_without_end_does_no_harm(void **state) {
    (void)state;
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "0.000000000 main note ", 22);
    memcpy(text + sizeof text - 30, "\n0.000000000 main note last\n", 29);
    draw(text);
    assert_shows("note last", 1);
}

static void what_is_no_trace_is_refused(void **state) {
    (void)state;
    char nowhere[128];
    snprintf(nowhere, sizeof nowhere, "%s/no/where", folder);
    write_trace("hello\n");
    forget_errors();
    assert_int_equal(hawser_sim_diagram(trace, picture), -1);
    assert_int_equal(errno, EINVAL);
    assert_sentence_has("in which there is no line of a trace");
    assert_fails(hawser_sim_diagram(nowhere, picture), ENOENT);
    assert_sentence_has("read the trace ");
    assert_fails(hawser_sim_diagram(folder, picture), EISDIR);
    write_trace(conversation);
    assert_fails(hawser_sim_diagram(trace, nowhere), ENOENT);
    assert_sentence_has("write the diagram ");
    assert_fails(hawser_sim_diagram(trace, "/dev/full"), ENOSPC);
}

static int draw_again(void *argument) {
    (void)argument;
    TRY(hawser_sim_diagram(trace, picture));
    return 0;
out:
    return -1;
}

static void failing_calls_are_told_and_nothing_is_left(void **state) {
    (void)state;
    write_trace(conversation);
    assert_true(sweep_allocations(draw_again, NULL) >= 3);
    assert_true(sweep_syscalls(draw_again, NULL, EIO, NULL) >= 4);
    assert_true(sweep_interruptions(draw_again, NULL, "open") >= 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_went_from_host_to_host_is_an_arrow),
        cmocka_unit_test(a_picture_says_in_words_what_it_is),
        cmocka_unit_test(times_are_shown_once),
        cmocka_unit_test(arrows_end_where_the_same_thing_arrives),
        cmocka_unit_test(the_end_of_a_connection_is_not_the_end_of_its_host),
        cmocka_unit_test(what_is_sent_again_is_what_arrives),
        cmocka_unit_test(datagrams_arrive_in_their_order_and_lost_ones_end_on_the_way),
        cmocka_unit_test(notes_may_be_anything),
        cmocka_unit_test(long_labels_go_over_several_lines),
        cmocka_unit_test(of_a_long_trace_the_end_is_drawn),
        cmocka_unit_test(of_many_hosts_the_first_are_drawn),
        cmocka_unit_test(lines_of_another_form_are_passed_over),
        cmocka_unit_test(a_line_without_end_does_no_harm),
        cmocka_unit_test(what_is_no_trace_is_refused),
        cmocka_unit_test(failing_calls_are_told_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
