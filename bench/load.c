/* Load for the bench: many connections that send the same requests again and again.
 *
 *   load PORT CONNECTIONS WARMUP_MS WINDOW_MS REQUESTS_FILE [PACE_US]
 *
 * The file has one request, or several, each with its Content-Length: every connection sends them
 * in turn, as an agent sends the turns of its conversations.
 *
 * With a pace, a connection's requests begin so long after one another, however long the replies
 * take: one that must wait for the reply before it counts from when it was due. Else they follow
 * the replies at once.
 *
 * One thread, epoll, HTTP/1.1 with keep-alive, to 127.0.0.1. After the warm-up it prints a line
 * "measuring", after the window one JSON object about the window: replies, errors, events (`data:`
 * lines that hold JSON), and in microseconds median, 99th and 99.9th percentile of the time that
 * an event took from the source ("@" and its time, see source.c), or, where no event bears a time,
 * of the time from request to the end of the reply.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAMPLES 4000000
#define OPENED_TOGETHER 50
#define MAX_REQUESTS 1000

enum part { HEAD, SIZE, DATA, AFTER_DATA, TRAILER, BODY, UNTIL_CLOSE };

struct connection {
    int fd;
    enum part part;
    size_t sent, remaining, line_size;
    int status, waiting, turn;
    uint64_t began, due;
    char line[8192]; /* the head, or an unfinished line of the body */
};

static struct connection *connections;
static struct sockaddr_in address;
static struct { char *data; size_t size; } requests[MAX_REQUESTS];
static int request_count;
static int poller, measuring;
static uint64_t pace_us;
static long replies, errors, events;
static uint32_t *reply_times, *event_times;
static size_t reply_samples, event_samples;

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void open_connection(struct connection *c)
{
    int on = 1;
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        perror("load: socket");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
        perror("load: connect");
        exit(1);
    }
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &wanted);
    c->part = HEAD;
    c->sent = c->line_size = 0;
    c->waiting = c->due = 0;
}

static void reopen(struct connection *c)
{
    close(c->fd);
    open_connection(c);
}

static void send_request(struct connection *c)
{
    if (!c->sent)
        c->began = now_us();
    char *data = requests[c->turn].data;
    size_t size = requests[c->turn].size;
    ssize_t sent = send(c->fd, data + c->sent, size - c->sent, MSG_NOSIGNAL);
    if (sent > 0)
        c->sent += sent;
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
    if (c->sent < size)
        wanted.events |= EPOLLOUT;
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &wanted);
}

static void send_when_due(struct connection *c)
{
    if (now_us() < c->due)
        return;
    c->waiting = 0;
    send_request(c);
}

static void next_request(struct connection *c)
{
    if (!pace_us) {
        send_request(c);
        return;
    }
    c->due = (c->due ? c->due : c->began) + pace_us;
    if (now_us() < c->due) {
        c->waiting = 1;
    } else {
        send_request(c);
        c->began = c->due;
    }
}

static void finish_reply(struct connection *c)
{
    if (measuring) {
        replies++;
        errors += c->status != 200;
        if (reply_samples < MAX_SAMPLES)
            reply_times[reply_samples++] = now_us() - c->began;
    }
    c->part = HEAD;
    c->sent = c->line_size = 0;
    c->turn = (c->turn + 1) % request_count;
}

static void take_line(struct connection *c)
{
    c->line[c->line_size] = 0;
    if (measuring && !strncmp(c->line, "data: {", 7)) {
        char *stamp = strstr(c->line, " @0");
        events++;
        if (stamp && event_samples < MAX_SAMPLES)
            event_times[event_samples++] = now_us() - strtoull(stamp + 2, NULL, 10);
    }
    c->line_size = 0;
}

static void take_body(struct connection *c, const char *data, size_t size)
{
    while (size) {
        const char *end = memchr(data, '\n', size);
        size_t part = end ? (size_t)(end - data) : size;
        size_t room = sizeof c->line - 1 - c->line_size;
        memcpy(c->line + c->line_size, data, part < room ? part : room);
        c->line_size += part < room ? part : room;
        if (end) {
            take_line(c);
            part++;
        }
        data += part, size -= part;
    }
}

static void take_head(struct connection *c)
{
    char *length = strcasestr(c->line, "\ncontent-length:");
    c->status = atoi(c->line + 9);
    c->line_size = 0;
    if (strcasestr(c->line, "\ntransfer-encoding: chunked")) {
        c->part = SIZE;
        c->remaining = 0;
    } else if (length) {
        c->part = BODY;
        c->remaining = strtoul(length + 16, NULL, 10);
        if (!c->remaining)
            finish_reply(c);
    } else {
        c->part = UNTIL_CLOSE;
    }
}

/* Takes one byte of the framing: the head, a chunk's size, what stands between chunks. */
static void take_framing(struct connection *c, char byte)
{
    if (c->part == HEAD) {
        if (c->line_size < sizeof c->line - 1)
            c->line[c->line_size++] = byte;
        c->line[c->line_size] = 0;
        if (byte == '\n' && c->line_size >= 4 && !strcmp(c->line + c->line_size - 4, "\r\n\r\n"))
            take_head(c);
    } else if (c->part == SIZE) {
        if (byte == '\n')
            c->part = c->remaining ? DATA : TRAILER;
        else if (byte != '\r')
            c->remaining = c->remaining * 16 + (byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10);
    } else if (c->part == AFTER_DATA) {
        if (byte == '\n') {
            c->part = SIZE;
            c->remaining = 0;
        }
    } else if (byte == '\n') {
        finish_reply(c); /* no server here sends trailers: the first line is the empty one */
    }
}

static int is_body(const struct connection *c)
{
    return c->part == DATA || c->part == BODY || c->part == UNTIL_CLOSE;
}

static void take(struct connection *c, const char *data, size_t size)
{
    while (size) {
        if (!is_body(c)) {
            take_framing(c, *data);
            data++, size--;
            continue;
        }
        size_t part = c->part != UNTIL_CLOSE && size > c->remaining ? c->remaining : size;
        take_body(c, data, part);
        data += part, size -= part;
        c->remaining -= c->part == UNTIL_CLOSE ? 0 : part;
        if (c->part == DATA && !c->remaining)
            c->part = AFTER_DATA;
        else if (c->part == BODY && !c->remaining)
            finish_reply(c);
    }
}

static void read_connection(struct connection *c)
{
    static char data[262144];
    ssize_t got = recv(c->fd, data, sizeof data, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        int in_order = c->part == UNTIL_CLOSE || (c->part == HEAD && !c->sent);
        if (c->part == UNTIL_CLOSE)
            finish_reply(c);
        if (!in_order && measuring)
            errors++;
        reopen(c);
        return;
    }
    take(c, data, got);
    if (c->part == HEAD && !c->sent)
        next_request(c);
}

static void run_until(uint64_t end, int count, int *opened)
{
    struct epoll_event ready[256];
    for (uint64_t now = now_us(); now < end; now = now_us()) {
        for (int i = 0; i < OPENED_TOGETHER && *opened < count; i++)
            open_connection(&connections[(*opened)++]);
        for (int i = 0; pace_us && i < *opened; i++)
            if (connections[i].waiting)
                send_when_due(&connections[i]);
        long wait = pace_us ? 1 : *opened < count ? 5 : (long)(end - now) / 1000 + 1;
        int found = epoll_wait(poller, ready, 256, wait);
        for (int i = 0; i < found; i++) {
            struct connection *c = ready[i].data.ptr;
            if (ready[i].events & EPOLLOUT && c->sent < requests[c->turn].size)
                send_request(c);
            if (ready[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                read_connection(c);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void report(double seconds, int count)
{
    uint32_t *times = event_samples ? event_times : reply_times;
    size_t samples = event_samples ? event_samples : reply_samples;
    int streaming = 0;
    for (int i = 0; i < count; i++)
        streaming += connections[i].part != HEAD;
    qsort(times, samples, sizeof *times, ascending);
    printf("{\"seconds\":%.3f,\"replies\":%ld,\"errors\":%ld,\"events\":%ld,\"streaming\":%d,"
           "\"p50_us\":%u,\"p99_us\":%u,\"p999_us\":%u}\n", seconds, replies, errors, events,
           streaming, samples ? times[samples / 2] : 0, samples ? times[samples * 99 / 100] : 0,
           samples ? times[samples * 999 / 1000] : 0);
}

static void read_requests(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) {
        perror(path);
        exit(1);
    }
    size_t size = ftell(file);
    char *data = malloc(size + 1);
    rewind(file);
    if (!data || fread(data, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    data[size] = 0;
    for (char *begin = data; begin < data + size; request_count++) {
        char *body = strstr(begin, "\r\n\r\n"), *length = strcasestr(begin, "\ncontent-length:");
        size_t left = data + size - begin;
        size_t whole = body && length && length < body
                       ? body + 4 - begin + strtoul(length + 16, NULL, 10) : left + 1;
        if (whole > left || request_count == MAX_REQUESTS) {
            fprintf(stderr, "load: %s is cut off, or has too many requests\n", path);
            exit(1);
        }
        requests[request_count].data = begin;
        requests[request_count].size = whole;
        begin += whole;
    }
}

int main(int count, char **arguments)
{
    if (count != 6 && count != 7) {
        fprintf(stderr,
                "usage: load PORT CONNECTIONS WARMUP_MS WINDOW_MS REQUESTS_FILE [PACE_US]\n");
        return 2;
    }
    pace_us = count == 7 ? strtoul(arguments[6], NULL, 10) : 0;
    int wanted = atoi(arguments[2]), opened = 0;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    read_requests(arguments[5]);
    connections = calloc(wanted, sizeof *connections);
    reply_times = malloc(MAX_SAMPLES * sizeof *reply_times);
    event_times = malloc(MAX_SAMPLES * sizeof *event_times);
    if (!connections || !reply_times || !event_times)
        return 1;
    poller = epoll_create1(0);
    run_until(now_us() + atol(arguments[3]) * 1000, wanted, &opened);
    puts("measuring");
    fflush(stdout);
    measuring = 1;
    uint64_t began = now_us();
    run_until(began + atol(arguments[4]) * 1000, wanted, &opened);
    report((now_us() - began) / 1e6, wanted);
    return 0;
}
