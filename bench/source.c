/* The upstream of the bench: a server of OpenAI's and Anthropic's kind that costs next to nothing.
 *
 *   source PORT [MODELS]
 *
 * One thread, epoll, HTTP/1.1 with keep-alive, on 127.0.0.1. It reads the whole request before it
 * answers, as a model server must. POST .../chat/completions, .../responses and .../messages, and
 * with a short JSON reply .../embeddings and .../files; the model's name, or for files the query,
 * says how:
 *
 *   any name                   a 700-byte JSON reply, or with "stream": true a burst: 200 events,
 *                              each an HTTP chunk of its own, all written at once
 *   ...paced-MS                a chat stream of 500 events, one every MS milliseconds; each carries
 *                              the time at which it left, "@" and microseconds (CLOCK_MONOTONIC)
 *   ...slow-MS                 the reply begins after MS milliseconds
 *
 * GET .../models lists so many models, scale-00000 and so on, if there are any.
 * GET /stats tells what is under way, for the abort bench; GET /hung/... is never answered.
 */
#define _GNU_SOURCE
#include "replies.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_PACED 500
#define MAX_REQUEST (16 << 20)
#define KEPT_ROOM (1 << 20) /* a larger buffer is given back after its request */

struct connection {
    int fd;
    struct bytes in;
    struct bytes out;          /* what the socket would not take at once */
    size_t out_sent;
    long interval_us;          /* of a paced stream, else 0 */
    int events_left;
    const struct bytes *reply; /* a slow reply that waits for its time */
    int timed;                 /* its place in the list of timed connections, or -1 */
};

struct timed {
    uint64_t due;
    struct connection *connection;
};

static int poller;
static struct timed *timed;
static int timed_count, timed_room;
static long open_connections, replies_begun, replies_done, streams_cut;

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- sending, now or in time --------------------------------------------------------------- */

static void watch(struct connection *c, int operation, uint32_t what)
{
    struct epoll_event wanted = {.events = what, .data.ptr = c};
    epoll_ctl(poller, operation, c->fd, &wanted);
}

static void send_bytes(struct connection *c, const char *data, size_t size)
{
    if (!c->out.size) {
        ssize_t sent = send(c->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0)
            sent = 0; /* a lost connection is noticed when it is read */
        data += sent, size -= sent;
    }
    if (size) {
        if (!c->out.size)
            watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        append(&c->out, data, size);
    }
}

static void send_rest(struct connection *c)
{
    ssize_t sent = send(c->fd, c->out.data + c->out_sent, c->out.size - c->out_sent, MSG_NOSIGNAL);
    if (sent > 0)
        c->out_sent += sent;
    if (c->out_sent == c->out.size) {
        c->out.size = c->out_sent = 0;
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void set_timer(struct connection *c, uint64_t due)
{
    if (c->timed < 0) {
        if (timed_count == timed_room) {
            timed_room = timed_room ? timed_room * 2 : 256;
            timed = realloc(timed, timed_room * sizeof *timed);
            if (!timed)
                abort();
        }
        c->timed = timed_count++;
        timed[c->timed].connection = c;
    }
    timed[c->timed].due = due;
}

static void drop_timer(struct connection *c)
{
    if (c->timed < 0)
        return;
    timed[c->timed] = timed[--timed_count];
    timed[c->timed].connection->timed = c->timed;
    c->timed = -1;
}

static void finish(struct connection *c)
{
    drop_timer(c);
    c->interval_us = 0;
    c->reply = NULL;
    replies_done++;
}

static void send_paced(struct connection *c, uint64_t due)
{
    struct bytes out = {0};
    char delta[64];
    int last = --c->events_left == 0;
    snprintf(delta, sizeof delta, "{\"content\":\" @%016llu\"}", (unsigned long long)now_us());
    chat_event(&out, delta, last ? "\"stop\"" : "null");
    if (last)
        chat_end(&out, 0);
    send_bytes(c, out.data, out.size);
    free(out.data);
    if (last)
        finish(c);
    else
        set_timer(c, due + c->interval_us);
}

static void run_timers(void)
{
    uint64_t now = now_us();
    for (int i = timed_count - 1; i >= 0; i--) {
        struct connection *c = timed[i].connection;
        if (timed[i].due > now)
            continue;
        if (c->reply) {
            send_bytes(c, c->reply->data, c->reply->size);
            finish(c);
        } else {
            send_paced(c, timed[i].due);
        }
    }
}

/* ---- requests ------------------------------------------------------------------------------ */

static void answer_text(struct connection *c, const char *status, const char *body)
{
    struct bytes out = {0};
    build_json(&out, status, body);
    send_bytes(c, out.data, out.size);
    free(out.data);
    replies_done++;
}

static void answer_stats(struct connection *c)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"connections\":%ld,\"begun\":%ld,\"done\":%ld,\"cut\":%ld,\"under_way\":%d}",
             open_connections - 1, replies_begun - 1, replies_done, streams_cut, timed_count);
    answer_text(c, "200 OK", body);
}

static long named(const char *model, const char *word)
{
    const char *found = strstr(model, word);
    return found ? atol(found + strlen(word)) : 0;
}

static void model_of(const char *body, char *model, size_t room)
{
    const char *at = strstr(body, "\"model\"");
    *model = 0;
    if (!at || !(at = strchr(at + 7, '"')))
        return;
    size_t size = strcspn(++at, "\"");
    snprintf(model, room, "%.*s", (int)size, at);
}

static void answer_later(struct connection *c, const struct bytes *reply, long wait_ms)
{
    if (wait_ms) {
        c->reply = reply;
        set_timer(c, now_us() + wait_ms * 1000);
    } else {
        send_bytes(c, reply->data, reply->size);
        replies_done++;
    }
}

static void answer(struct connection *c, const char *line, const char *body)
{
    char model[128], query[128];
    size_t target = strcspn(line, "\r");
    replies_begun++;
    if (!strncmp(line, "GET /stats", 10)) {
        answer_stats(c);
        return;
    }
    if (!strncmp(line, "GET /hung/", 10))
        return;
    if (model_list.size && memmem(line, target, "/models", 7)) {
        answer_later(c, &model_list, 0);
        return;
    }
    snprintf(query, sizeof query, "%.*s", (int)target, line);
    int chat = memmem(line, target, "/chat/completions", 17) != NULL;
    int messages = memmem(line, target, "/messages", 9) != NULL;
    int embeddings = memmem(line, target, "/embeddings", 11) != NULL;
    if (embeddings || memmem(line, target, "/files", 6)) {
        model_of(body, model, sizeof model);
        answer_later(c, &short_reply, named(embeddings ? model : query, "slow-"));
        return;
    }
    if (!chat && !messages && !memmem(line, target, "/responses", 10)) {
        answer_text(c, "404 Not Found", "{\"error\":{\"message\":\"This is a chat model and not "
                    "supported in the v1/completions endpoint.\",\"type\":"
                    "\"invalid_request_error\",\"param\":\"model\",\"code\":null}}");
        return;
    }
    enum format format = chat ? CHAT : messages ? MESSAGES : RESPONSES;
    model_of(body, model, sizeof model);
    int streamed = strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true");
    long pace = named(model, "paced-"), wait = named(model, "slow-");
    const struct bytes *reply = streamed ? &burst[format] : &json_reply[format];
    if (streamed && chat && strstr(body, "\"include_usage\""))
        reply = &chat_burst_with_usage;
    if (streamed && pace) {
        c->interval_us = pace * 1000;
        c->events_left = EVENTS_PACED;
        send_bytes(c, STREAM_HEAD, strlen(STREAM_HEAD));
        set_timer(c, now_us());
    } else {
        answer_later(c, reply, wait);
    }
}

/* Returns the size of the request at the front of the buffer, or 0 if it is not complete. */
static size_t request_size(struct connection *c, char **body)
{
    char *end = memmem(c->in.data, c->in.size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    *body = end + 4;
    *end = 0;
    char *length = strcasestr(c->in.data, "\ncontent-length:");
    int chunked = strcasestr(c->in.data, "\ntransfer-encoding: chunked") != NULL;
    *end = '\r';
    size_t there = c->in.size - (*body - c->in.data);
    if (chunked) {
        /* Nobody sends a further request before the reply: the end of what is there is the body's.
         * A search from its start, at each read, would take longer than all the rest. */
        int ended = there >= 5 && !memcmp(c->in.data + c->in.size - 7, "\r\n0\r\n\r\n", 7);
        return ended ? c->in.size : 0;
    }
    size_t expected = length ? strtoul(length + 16, NULL, 10) : 0;
    return there >= expected ? *body - c->in.data + expected : 0;
}

static void close_connection(struct connection *c)
{
    if (c->timed >= 0)
        streams_cut++;
    drop_timer(c);
    close(c->fd);
    free(c->in.data);
    free(c->out.data);
    free(c);
    open_connections--;
}

static void read_connection(struct connection *c)
{
    char data[65536], *body;
    ssize_t got = recv(c->fd, data, sizeof data, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || c->in.size + got > MAX_REQUEST) {
        close_connection(c);
        return;
    }
    append(&c->in, data, got);
    size_t size = request_size(c, &body);
    if (!size)
        return;
    char following = c->in.data[size];
    c->in.data[size] = 0;
    answer(c, c->in.data, body);
    c->in.data[size] = following;
    c->in.size -= size;
    if (!c->in.size && c->in.room > KEPT_ROOM) {
        free(c->in.data);
        c->in = (struct bytes){0};
    } else {
        memmove(c->in.data, c->in.data + size, c->in.size + 1);
    }
}

static void accept_connections(int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c)
            abort();
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        c->fd = fd;
        c->timed = -1;
        open_connections++;
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int listen_at(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) {
        perror("source");
        exit(1);
    }
    return listener;
}

int main(int count, char **arguments)
{
    if (count != 2 && count != 3) {
        fprintf(stderr, "usage: source PORT [MODELS]\n");
        return 2;
    }
    build_replies();
    if (count == 3)
        build_model_list(atoi(arguments[2]));
    int listener = listen_at(atoi(arguments[1]));
    struct epoll_event ready[256], wanted = {.events = EPOLLIN, .data.ptr = NULL};
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int found = epoll_wait(poller, ready, 256, timed_count ? 1 : -1);
        for (int i = 0; i < found; i++) {
            struct connection *c = ready[i].data.ptr;
            if (!c)
                accept_connections(listener);
            else if (ready[i].events & EPOLLOUT && !(ready[i].events & (EPOLLERR | EPOLLHUP)))
                send_rest(c);
            else
                read_connection(c);
        }
        run_timers();
    }
}
