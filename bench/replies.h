/* What the bench's upstream answers: whole HTTP replies and pieces of streams, as OpenAI and Anthropic
 * send them. */
#ifndef REPLIES_H
#define REPLIES_H

#include <stddef.h>

#define EVENTS_IN_A_BURST 200

#define STREAM_HEAD \
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n" \
    "x-request-id: req_0123456789abcdef\r\ntransfer-encoding: chunked\r\n\r\n"

enum format { CHAT, RESPONSES, MESSAGES };

struct bytes {
    char *data;
    size_t size, room;
};

/* Whole replies by format, head included; filled in by build_replies(). */
extern struct bytes json_reply[3], burst[3], chat_burst_with_usage;
extern struct bytes short_reply; /* for what is no generation */
void build_replies(void);

extern struct bytes model_list; /* empty until it is built */
void build_model_list(int count);

void append(struct bytes *to, const char *data, size_t size);

/* A JSON reply with its head; `status` is like "200 OK". */
void build_json(struct bytes *to, const char *status, const char *body);

/* One event of a chat stream, as an HTTP chunk; `delta` and `finish` are JSON. */
void chat_event(struct bytes *to, const char *delta, const char *finish);

/* The end of a chat stream: [DONE] and the last chunk. */
void chat_end(struct bytes *to, int with_usage);

#endif
