/* What the bench's upstream answers; see replies.h. */
#include "replies.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes json_reply[3], burst[3], chat_burst_with_usage, short_reply, model_list;

void append(struct bytes *to, const char *data, size_t size)
{
    if (to->size + size + 1 > to->room) {
        to->room = (to->size + size + 1) * 2;
        to->data = realloc(to->data, to->room);
        if (!to->data)
            abort();
    }
    memcpy(to->data + to->size, data, size);
    to->size += size;
    to->data[to->size] = 0;
}

__attribute__((format(printf, 2, 3))) static void print(struct bytes *to, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append(to, text, size);
}

#define CHAT_CHUNK \
    "{\"id\":\"chatcmpl-BenchBenchBenchBenchBench\",\"object\":\"chat.completion.chunk\"," \
    "\"created\":1760000000,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\"," \
    "\"system_fingerprint\":\"fp_0123456789\","
#define RESPONSE \
    "{\"id\":\"resp_0123456789abcdef0123456789abcdef\",\"object\":\"response\"," \
    "\"created_at\":1760000000,\"model\":\"gpt-5.4-pro\",\"error\":null," \
    "\"incomplete_details\":null,\"instructions\":null,\"max_output_tokens\":null," \
    "\"parallel_tool_calls\":true,\"temperature\":1.0,\"tool_choice\":\"auto\",\"tools\":[]," \
    "\"top_p\":1.0,\"metadata\":{},"
#define ITEM "\"item_id\":\"msg_0123456789abcdef\",\"output_index\":0,"

static void event(struct bytes *to, const char *data, const char *type)
{
    char line[8192];
    int size = type ? snprintf(line, sizeof line, "event: %s\ndata: %s\n\n", type, data)
                    : snprintf(line, sizeof line, "data: %s\n\n", data);
    print(to, "%x\r\n", size);
    append(to, line, size);
    append(to, "\r\n", 2);
}

void chat_event(struct bytes *to, const char *delta, const char *finish)
{
    char data[1024];
    snprintf(data, sizeof data,
             CHAT_CHUNK "\"choices\":[{\"index\":0,\"delta\":%s,\"logprobs\":null,"
                        "\"finish_reason\":%s}]}", delta, finish);
    event(to, data, NULL);
}

void chat_end(struct bytes *to, int with_usage)
{
    if (with_usage)
        event(to, CHAT_CHUNK "\"choices\":[],\"usage\":{\"prompt_tokens\":20,"
              "\"completion_tokens\":198,\"total_tokens\":218}}", NULL);
    event(to, "[DONE]", NULL);
    append(to, "0\r\n\r\n", 5);
}

static void build_chat_burst(struct bytes *to, int with_usage)
{
    print(to, STREAM_HEAD);
    chat_event(to, "{\"role\":\"assistant\",\"content\":\"\"}", "null");
    for (int i = 0; i < EVENTS_IN_A_BURST - 2; i++)
        chat_event(to, "{\"content\":\" token\"}", "null");
    chat_event(to, "{}", "\"stop\"");
    chat_end(to, with_usage);
}

static void build_responses_burst(struct bytes *to)
{
    static const char *const opening[] = {"response.created", "response.in_progress"};
    const int deltas = EVENTS_IN_A_BURST - 8;
    char data[8192], text[2048] = "";
    int number = 0;
    for (int i = 0; i < deltas; i++)
        strcat(text, " token");
    print(to, STREAM_HEAD);
    for (int i = 0; i < 2; i++) {
        snprintf(data, sizeof data, "{\"type\":\"%s\",\"sequence_number\":%d,\"response\":" RESPONSE
                 "\"status\":\"in_progress\",\"output\":[],\"usage\":null}}", opening[i], number++);
        event(to, data, opening[i]);
    }
#define RESPONSES_EVENT(type, ...) \
    do { \
        int used = snprintf(data, sizeof data, "{\"type\":\"%s\",\"sequence_number\":%d,", type, \
                            number++); \
        snprintf(data + used, sizeof data - used, __VA_ARGS__); \
        event(to, data, type); \
    } while (0)
    RESPONSES_EVENT("response.output_item.added",
                    "\"output_index\":0,\"item\":{\"id\":\"msg_0123456789abcdef\",\"type\":"
                    "\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}");
    RESPONSES_EVENT("response.content_part.added", ITEM "\"content_index\":0,\"part\":{\"type\":"
                    "\"output_text\",\"text\":\"\",\"annotations\":[]}}");
    for (int i = 0; i < deltas; i++)
        RESPONSES_EVENT("response.output_text.delta",
                        ITEM "\"content_index\":0,\"delta\":\" token\",\"logprobs\":[]}");
    RESPONSES_EVENT("response.output_text.done",
                    ITEM "\"content_index\":0,\"text\":\"%s\",\"logprobs\":[]}", text);
    RESPONSES_EVENT("response.content_part.done", ITEM "\"content_index\":0,\"part\":{\"type\":"
                    "\"output_text\",\"text\":\"%s\",\"annotations\":[]}}", text);
#define MESSAGE "{\"id\":\"msg_0123456789abcdef\",\"type\":\"message\",\"status\":\"completed\"," \
    "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"%s\"," \
    "\"annotations\":[]}]}"
#define USAGE "\"usage\":{\"input_tokens\":20,\"input_tokens_details\":{\"cached_tokens\":0}," \
    "\"output_tokens\":198,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":218}"
    RESPONSES_EVENT("response.output_item.done", "\"output_index\":0,\"item\":" MESSAGE "}", text);
    RESPONSES_EVENT("response.completed", "\"response\":" RESPONSE
                    "\"status\":\"completed\",\"output\":[" MESSAGE "]," USAGE "}}", text);
    append(to, "0\r\n\r\n", 5);
}

#define ANTHROPIC \
    "{\"id\":\"msg_0123456789abcdefghijklmn\",\"type\":\"message\",\"role\":\"assistant\"," \
    "\"model\":\"claude-sonnet-4-5-20250929\",\"content\":[%s],\"stop_reason\":%s," \
    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":20,\"cache_creation_input_tokens\":0," \
    "\"cache_read_input_tokens\":0,\"output_tokens\":%d,\"service_tier\":\"standard\"}}"

static void build_messages_burst(struct bytes *to)
{
    char data[2048];
    print(to, STREAM_HEAD);
    snprintf(data, sizeof data, "{\"type\":\"message_start\",\"message\":" ANTHROPIC "}", "", "null",
             1);
    event(to, data, "message_start");
    event(to, "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
          "{\"type\":\"text\",\"text\":\"\"}}", "content_block_start");
    for (int i = 0; i < EVENTS_IN_A_BURST - 5; i++)
        event(to, "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
              "{\"type\":\"text_delta\",\"text\":\" token\"}}", "content_block_delta");
    event(to, "{\"type\":\"content_block_stop\",\"index\":0}", "content_block_stop");
    event(to, "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
          "\"stop_sequence\":null},\"usage\":{\"output_tokens\":195}}", "message_delta");
    event(to, "{\"type\":\"message_stop\"}", "message_stop");
    append(to, "0\r\n\r\n", 5);
}

void build_json(struct bytes *to, const char *status, const char *body)
{
    print(to, "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n"
          "x-request-id: req_0123456789abcdef\r\n\r\n", status, strlen(body));
    append(to, body, strlen(body));
}

void build_model_list(int count)
{
    struct bytes body = {0};
    print(&body, "{\"object\":\"list\",\"data\":[");
    for (int i = 0; i < count; i++)
        print(&body, "%s{\"id\":\"scale-%05d\",\"object\":\"model\",\"created\":1760000000,"
              "\"owned_by\":\"bench\"}", i ? "," : "", i);
    print(&body, "]}");
    build_json(&model_list, "200 OK", body.data);
    free(body.data);
}

void build_replies(void)
{
    char answer[2048], block[512], text[256] = "";
    for (int i = 0; i < 30; i++)
        strcat(text, " token");
    snprintf(answer, sizeof answer,
             "{\"id\":\"chatcmpl-BenchBenchBenchBenchBench\",\"object\":\"chat.completion\","
             "\"created\":1760000000,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,"
             "\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},"
             "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":20,"
             "\"completion_tokens\":30,\"total_tokens\":50,\"prompt_tokens_details\":{"
             "\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}},"
             "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"}", text);
    build_json(&json_reply[CHAT], "200 OK", answer);
    snprintf(answer, sizeof answer, RESPONSE "\"status\":\"completed\",\"output\":[" MESSAGE "],"
             USAGE "}", text);
    build_json(&json_reply[RESPONSES], "200 OK", answer);
    snprintf(block, sizeof block, "{\"type\":\"text\",\"text\":\"%s\"}", text);
    snprintf(answer, sizeof answer, ANTHROPIC, block, "\"end_turn\"", 30);
    build_json(&json_reply[MESSAGES], "200 OK", answer);
    build_json(&short_reply, "200 OK",
               "{\"object\":\"list\",\"id\":\"file-0123456789\",\"data\":[]}");
    build_chat_burst(&burst[CHAT], 0);
    build_chat_burst(&chat_burst_with_usage, 1);
    build_responses_burst(&burst[RESPONSES]);
    build_messages_burst(&burst[MESSAGES]);
}
