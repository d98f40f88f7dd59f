/* What translated PTX runs on: a launch, its faults, and its memory. An address of global memory, and a generic one, is
   an address of the host; one of shared or local memory counts from where that begins. */
#pragma once
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum { ILLEGAL_ADDRESS = 700, OUT_OF_RESOURCES = 701, ASSERTED = 710, MISALIGNED = 716, FAILED = 719 };  /* CUresult */
enum { THREADS = 1024, MAX_SHARED = 227 * 1024, MAX_LOCAL = 64 * 1024, STACK = 128 * 1024, DEPTH = 64 };

typedef int owner(const void *address, unsigned long bytes);

struct emulated_kernel {
    const char *name;
    unsigned parameters;
    const unsigned *sizes;
    unsigned shared_bytes, max_threads;
    int (*run)(void **, const unsigned[3], const unsigned[3], unsigned, owner *, char[512]);
};

/* A variable of the module, as a part of memory. */
struct variable { void *at; unsigned long size; int constant; };
/* Where an instruction may go: `count` addresses from `low` on. Each remembers the memory that it found last. */
struct site { uint64_t low, count; };
/* Memory that the launch has found to be owned. */
static struct { uint64_t low, high; } known[64];
static unsigned known_count;

enum state { RUNS, AT_BARRIER, AT_WARP, DONE };
/* Where a thread goes on. Not jmp_buf: to save and restore that takes most of the time of a kernel whose threads wait often. */
typedef void *point[5];
struct thread {
    enum state state;
    int line, kind, flag;
    unsigned number, at[3], depth;
    unsigned barrier, wanted;                          /* at a barrier */
    uint32_t mask, other, clamp; uint64_t value, result;   /* among the threads of a warp, or at a barrier */
    uint32_t factors[6]; float sums[4];                /* of a product by tensor cores */
    int64_t turns;                                     /* jumps backwards that are left to it */
    char *local; uint32_t top;
    int started;
    point at_rest;
};

static struct {
    const char *kernel;
    void (*work)(void);
    owner *owns;
    char *report;
    int code, backwards;
    unsigned grid[3], block[3], at[3], threads, shared, dynamic, parameters;
    int meets_ended;  /* whether a barrier of the whole block waits for no thread that has ended */
    jmp_buf end;
} launch;
static struct thread threads[THREADS], *now = threads;
static _Alignas(1024) unsigned char shared[MAX_SHARED];
static _Alignas(64) unsigned char parameters[32768];
static const struct variable variables[];
static struct site sites[];
static const unsigned variable_count, site_count;

/* Faults ----------------------------------------------------------------------------------------------------------- */
static void told(int code, const char *where, const char *format, va_list more) {
    char what[256];
    vsnprintf(what, sizeof what, format, more);
    launch.code = code;
    if (launch.report) snprintf(launch.report, 512, "%.100s, block (%u, %u, %u), %s: %s", launch.kernel, launch.at[0],
                                launch.at[1], launch.at[2], where, what);
}
static __attribute__((noreturn, cold, noinline, format(printf, 3, 4))) void fault(int code, int line, const char *format, ...) {
    char where[80];
    va_list more;
    snprintf(where, sizeof where, "thread (%u, %u, %u), line %d", now->at[0], now->at[1], now->at[2], line);
    va_start(more, format);
    told(code, where, format, more);
    va_end(more);
    _longjmp(launch.end, 1);
}
static __attribute__((cold, format(printf, 2, 3))) int refuse(int code, const char *format, ...) {
    va_list more;
    va_start(more, format);
    told(code, "all threads", format, more);
    va_end(more);
    return code;
}

/* Global memory ---------------------------------------------------------------------------------------------------- */
static int owned(uint64_t low, uint64_t high) {
    return high > low && launch.owns && launch.owns((const void *)low, high - low);
}
/* The memory around an address that is owned, to its last byte. */
static void around(uint64_t a, unsigned bytes, uint64_t *low, uint64_t *high) {
    uint64_t step = 1;
    for (*low = a, *high = a + bytes; owned(*low, *high + step); step *= 2) *high += step;
    for (; step; step /= 2) if (owned(*low, *high + step)) *high += step;
    for (step = 1; *low > step && owned(*low - step, *high); step *= 2) *low -= step;
    for (; step; step /= 2) if (*low > step && owned(*low - step, *high)) *low -= step;
}
static __attribute__((cold, noinline)) void *search(uint64_t a, unsigned bytes, int line, struct site *site, int writes) {
    const char *what = writes ? "a write" : "a read";
    uint64_t low = 0, high = 0;
    if (a % bytes) fault(MISALIGNED, line, "%s of %u bytes at 0x%llx is not aligned", what, bytes, (unsigned long long)a);
    for (unsigned i = 0; i < variable_count; i++) {
        const uint64_t begin = (uint64_t)variables[i].at, end = begin + variables[i].size;
        if (a < begin || a - begin >= variables[i].size) continue;
        if (variables[i].constant && writes) fault(ILLEGAL_ADDRESS, line, "a write into constant memory");
        low = begin, high = end;
    }
    if (!high && !writes && a - (uint64_t)parameters < launch.parameters)
        low = (uint64_t)parameters, high = low + launch.parameters;
    for (unsigned i = 0; !high && i < known_count && i < 64; i++)
        if (a - known[i].low < known[i].high - known[i].low) low = known[i].low, high = known[i].high;
    if (!high && owned(a, a + bytes)) {
        around(a, bytes, &low, &high);
        known[known_count % 64].low = low, known[known_count++ % 64].high = high;
    }
    if (!high || a + bytes > high)
        fault(ILLEGAL_ADDRESS, line, "%s of %u bytes at 0x%llx is outside of all memory", what, bytes, (unsigned long long)a);
    site->low = low, site->count = high - low - bytes + 1;
    return (void *)a;
}
INLINE void *global_at(uint64_t a, unsigned bytes, int line, struct site *site, int writes) {
    if (LIKELY(a - site->low < site->count && a % bytes == 0)) return (void *)a;
    return search(a, bytes, line, site, writes);
}

/* Shared and local memory, parameters ------------------------------------------------------------------------------ */
static __attribute__((cold, noinline, noreturn)) void beyond(const char *space, uint64_t a, unsigned bytes, uint64_t size, int line) {
    if (a % bytes) fault(MISALIGNED, line, "%u bytes at %llu of %s memory are not aligned", bytes, (unsigned long long)a, space);
    fault(ILLEGAL_ADDRESS, line, "%u bytes at %lld are outside of the %llu bytes of %s memory", bytes, (long long)a,
          (unsigned long long)size, space);
}
static int racing;  /* whether races are looked for (ptx_races.h) */
static void watch(uint64_t a, unsigned bytes, int line, int writes);
INLINE void *shared_at(uint64_t a, unsigned bytes, int line, int writes) {
    if (UNLIKELY(a % bytes || a + bytes > launch.shared || a > MAX_SHARED)) beyond("shared", a, bytes, launch.shared, line);
    if (UNLIKELY(racing)) watch(a, bytes, line, writes);
    return shared + a;
}
INLINE void *local_at(uint64_t a, unsigned bytes, int line) {
    if (UNLIKELY(a % bytes || a + bytes > now->top || a > MAX_LOCAL)) beyond("local", a, bytes, now->top, line);
    return now->local + a;
}
INLINE void *param_at(uint64_t a, unsigned bytes, int line) {
    const uint64_t from = a - (uint64_t)parameters;
    if (UNLIKELY(from % bytes || from + bytes > launch.parameters || from > sizeof parameters))
        beyond("parameter", from, bytes, launch.parameters, line);
    return (void *)a;
}
static int is_shared(uint64_t a) { return a - (uint64_t)shared < MAX_SHARED; }
static int is_local(uint64_t a) { return a - (uint64_t)now->local < MAX_LOCAL; }
INLINE void *generic_at(uint64_t a, unsigned bytes, int line, struct site *site, int writes) {
    if (LIKELY(a - site->low < site->count && a % bytes == 0)) return (void *)a;
    if (is_shared(a)) return shared_at(a - (uint64_t)shared, bytes, line, writes);
    if (is_local(a)) return local_at(a - (uint64_t)now->local, bytes, line);
    return search(a, bytes, line, site, writes);
}

/* Memory of a call of a function, which holds garbage at first; returns where it begins. */
static uint32_t enter(uint32_t bytes, int line) {
    const uint32_t begin = (now->top + 15) & ~15u;
    if (++now->depth > DEPTH) fault(FAILED, line, "calls are nested more than %d deep", DEPTH);
    if (begin + bytes > MAX_LOCAL) fault(FAILED, line, "a thread needs more than %d bytes of local memory", MAX_LOCAL);
    memset(now->local + begin, 0xFF, bytes);
    now->top = begin + bytes;
    return begin;
}
static void leave(uint32_t top) { now->top = top, now->depth--; }
