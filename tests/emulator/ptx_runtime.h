/* All that the C of a translated module includes, and CUDA's functions of the system. */
#pragma once
#include "ptx_math.h"
#include "ptx_memory.h"
#include "ptx_tensor.h"
#include "ptx_threads.h"

static void *const functions[];
static const unsigned function_count;

static int is_constant(uint64_t a) {
    for (unsigned i = 0; i < variable_count; i++)
        if (variables[i].constant && a - (uint64_t)variables[i].at < variables[i].size) return 1;
    return 0;
}
static void *function_at(uint64_t a, int line) {
    for (unsigned i = 0; i < function_count; i++) if ((uint64_t)functions[i] == a) return functions[i];
    fault(FAILED, line, "a call of 0x%llx, where no function is", (unsigned long long)a);
}
static uint64_t ticks(void) {
    static uint64_t count;
    return count += 32;
}
/* A text in memory that may be read, to its end. */
static const char *text_at(uint64_t a) {
    static struct site site;
    site.count = 0;
    for (uint64_t k = a; *(const char *)generic_at(k, 1, 0, &site, 0); k++) {}
    return (const char *)generic_at(a, 1, 0, &site, 0);
}
static void assertion_failed(unsigned char *message, unsigned char *file, unsigned char *line, unsigned char *function, unsigned char *size) {
    uint64_t a[3];
    uint32_t number;
    memcpy(&a[0], message, 8), memcpy(&a[1], file, 8), memcpy(&a[2], function, 8), memcpy(&number, line, 4);
    fault(ASSERTED, 0, "assertion `%.80s` failed, %.60s:%u", text_at(a[0]), text_at(a[1]), number);
}
/* printf of a kernel: each argument lies at a multiple of its own size. */
static void print_text(unsigned char *result, unsigned char *format, unsigned char *arguments) {
    uint64_t text, from, at = 0;
    struct site site = {0, 0};
    memcpy(&text, format, 8), memcpy(&from, arguments, 8);
    for (const char *p = text_at(text); *p; p++) {
        char one[32];
        unsigned n = 0, wide = 0;
        if (*p != '%' || p[1] == '%') {
            putchar(*p);
            p += *p == '%';
            continue;
        }
        while (*p && !strchr("diouxXeEfFgGaAcsp", *p)) wide |= *p == 'l', n < 28 ? one[n++] = *p : 0, p++;
        if (!*p) break;
        wide |= strchr("eEfFgGaAsp", *p) != NULL;
        one[n++] = *p, one[n] = 0;
        const unsigned bytes = wide ? 8 : 4;
        at = (at + bytes - 1) / bytes * bytes;
        uint64_t value = 0;
        memcpy(&value, generic_at(from + at, bytes, 0, &site, 0), bytes);
        at += bytes;
        if (strchr("eEfFgGaA", *p)) printf(one, as_f64(value));
        else if (*p == 's') printf(one, text_at(value));
        else if (wide) printf(one, value);
        else printf(one, (uint32_t)value);
    }
    fflush(stdout);
    memset(result, 0, 4);
}
