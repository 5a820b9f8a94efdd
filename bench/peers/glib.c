/* SPDX-License-Identifier: MIT */
/*
 * The peer GLib: a GSocketService, and the asynchronous calls of GIO's streams; lines through a GDataInputStream.
 *
 * usage: glib echo|lines|churn
 */
#include "support.h"

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define SMALL 4096
#define REQUEST 64
#define LINE 8192

struct client {
    GSocketConnection *connection;
    GInputStream *in;
    GOutputStream *out;
    GDataInputStream *lines;
    gsize size; /* of the buffer */
    char *buffer;
};

static const char *mode;
static gsize buffer_size;

static void hang_up(struct client *client) {
    g_io_stream_close(G_IO_STREAM(client->connection), NULL, NULL);
    g_clear_object(&client->lines);
    g_object_unref(client->connection);
    g_free(client->buffer);
    g_free(client);
}

static void read_on(struct client *client);

static void on_written(GObject *source, GAsyncResult *result, gpointer data) {
    struct client *client = data;
    if (!g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, NULL) || strcmp(mode, "churn") == 0)
        hang_up(client);
    else
        read_on(client);
}

static void write_back(struct client *client, gsize size) {
    g_output_stream_write_all_async(client->out, client->buffer, size, G_PRIORITY_DEFAULT, NULL, on_written, client);
}

static void on_line(GObject *source, GAsyncResult *result, gpointer data) {
    struct client *client = data;
    gsize length;
    char *line = g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(source), result, &length, NULL);
    if (!line || length > LINE) {
        g_free(line);
        hang_up(client);
        return;
    }
    int size = g_snprintf(client->buffer, client->size, "OK...%s\n", line);
    g_free(line);
    write_back(client, (gsize)size);
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data) {
    struct client *client = data;
    gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);
    if (n <= 0)
        hang_up(client);
    else
        write_back(client, (gsize)n);
}

static void on_request(GObject *source, GAsyncResult *result, gpointer data) {
    struct client *client = data;
    gsize size;
    if (!g_input_stream_read_all_finish(G_INPUT_STREAM(source), result, &size, NULL) || size < REQUEST)
        hang_up(client);
    else
        write_back(client, size);
}

static void read_on(struct client *client) {
    if (client->lines)
        g_data_input_stream_read_line_async(client->lines, G_PRIORITY_DEFAULT, NULL, on_line, client);
    else if (strcmp(mode, "churn") == 0)
        g_input_stream_read_all_async(client->in, client->buffer, REQUEST, G_PRIORITY_DEFAULT, NULL, on_request, client);
    else
        g_input_stream_read_async(client->in, client->buffer, client->size, G_PRIORITY_DEFAULT, NULL, on_read, client);
}

static gboolean on_incoming(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data) {
    (void)service;
    (void)source;
    (void)data;
    struct client *client = g_new0(struct client, 1);
    client->connection = g_object_ref(connection);
    client->in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    client->out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    client->size = strcmp(mode, "lines") == 0 ? LINE + 8 : buffer_size;
    client->buffer = g_malloc(client->size);
    if (strcmp(mode, "lines") == 0)
        client->lines = g_data_input_stream_new(client->in);
    g_socket_set_option(g_socket_connection_get_socket(connection), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    read_on(client);
    return TRUE;
}

int main(int argc, char **argv) {
    mode = argc > 1 ? argv[1] : "echo";
    buffer_size = (gsize)bench_number(argc, argv, 2, SMALL);
    bench_raise_files();
    GSocketService *service = g_socket_service_new();
    GInetAddress *loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    GSocketAddress *address = g_inet_socket_address_new(loopback, 0), *own;
    g_socket_listener_set_backlog(G_SOCKET_LISTENER(service), BENCH_BACKLOG);
    if (!g_socket_listener_add_address(G_SOCKET_LISTENER(service), address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                       &own, NULL))
        bench_die("listen");
    bench_say_port(g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(own)));
    g_signal_connect(service, "incoming", G_CALLBACK(on_incoming), NULL);
    g_socket_service_start(service);
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
    return 0;
}
