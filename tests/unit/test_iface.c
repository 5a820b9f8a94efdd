/* SPDX-License-Identifier: MIT */
/* net/iface: the list of interfaces, and interfaces as addresses write them. */
#include "support.h"

#include "net/iface.h"

#include <net/if.h>

static void all_interfaces_are_listed_and_libc_agrees(void **state) {
    (void)state;
    hawser_if *list = NULL;
    char name[IF_NAMESIZE];
    bool has_lo = false;
    size_t n = 0;
    assert_works(hawser_if_nameindex(&list));
    for (; list[n].index != 0; n++) {
        assert_string_equal(if_indextoname(list[n].index, name), list[n].name);
        has_lo = has_lo || strcmp(name, "lo") == 0;
    }
    assert_true(has_lo);
    assert_string_equal(list[n].name, "");
    assert_works((hawser_if_freenameindex(list), 0));
    assert_works((hawser_if_freenameindex(NULL), 0));
}

static void a_list_that_cannot_be_had_leaves_nothing_behind(void **state) {
    (void)state;
    hawser_if *list = NULL;
    census before = take_census();
    fault_alloc(1);
    assert_fails(hawser_if_nameindex(&list), ENOMEM);
    fault_syscall("if_nameindex", 1, EMFILE, 1);
    assert_fails(hawser_if_nameindex(&list), EMFILE);
    assert_sentence("list interfaces: Too many open files");
    assert_true(fault_none());
    assert_null(list);
    assert_null(compare_census(before));
}

static int code_of(const char *text) {
    unsigned index;
    return hawser__iface_read(text, strlen(text), &index);
}

static void an_interface_is_read_by_name_and_by_number(void **state) {
    (void)state;
    unsigned index = 0;
    assert_int_equal(hawser__iface_read("lo:more", 2, &index), 0);
    assert_int_equal(index, if_nametoindex("lo"));
    syscalls_made();
    assert_int_equal(hawser__iface_read("4294967295", 10, &index), 0);
    assert_int_equal(index, UINT32_MAX);
    assert_int_equal(hawser__iface_read("0", 1, &index), 0);
    assert_int_equal(index, 0);
    assert_int_equal(syscalls_made(), 0);
}

static void what_is_no_interface_is_refused(void **state) {
    (void)state;
    assert_int_equal(code_of(""), -HAWSER_EADDRESS);
    assert_int_equal(code_of("4294967296"), -ERANGE);
    assert_int_equal(code_of("nosuch0"), -ENODEV);
    assert_int_equal(code_of("0x1"), -ENODEV);
    assert_int_equal(code_of("fifteen-bytes-x"), -ENODEV);
    assert_int_equal(code_of("sixteen-bytes-xx"), -ENODEV);
}

static void an_interface_is_written_by_name_or_else_by_number(void **state) {
    (void)state;
    char text[HAWSER__IFACE_TEXT];
    assert_string_equal(hawser__iface_text(if_nametoindex("lo"), text), "lo");
    assert_string_equal(hawser__iface_text(UINT32_MAX, text), "4294967295");
    assert_string_equal(hawser__iface_text(0, text), "0");
    fault_syscall("if_indextoname", 1, EMFILE, 1);
    assert_string_equal(hawser__iface_text(1, text), "1");
    assert_true(fault_none());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_interfaces_are_listed_and_libc_agrees),
        cmocka_unit_test(a_list_that_cannot_be_had_leaves_nothing_behind),
        cmocka_unit_test(an_interface_is_read_by_name_and_by_number),
        cmocka_unit_test(what_is_no_interface_is_refused),
        cmocka_unit_test(an_interface_is_written_by_name_or_else_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
