// Races between the threads of a block, found where kernels are compiled with the instrumentation of GCC's or Clang's
// -fsanitize=thread: each access to memory calls a function, and these stand here. Each thread has a vector clock, which
// waits bring together (Fidge 1988; as FastTrack by Flanagan and Freund 2009). Two accesses to one byte of which one
// writes are a race if no wait orders them. As on a GPU, shuffles order nothing.
#pragma once
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace races {
constexpr unsigned MOST = 1024, NONE = ~0u;
struct Access { unsigned thread, clock; const void *from; };
struct Byte { Access write, read; Access *reads; };  // `reads`: where threads that no wait orders have read
struct Word { size_t at; unsigned generation; Byte bytes[8]; };

static unsigned clocks[MOST][MOST];
static Word *words;
static size_t room, used;
static unsigned generation = 1, threads, taken;
static char text[256];
const char *own_begin, *own_end;  // what belongs to each thread alone: its stack

// Places for what each thread read, until all wait.
static Access *more() {
    static Access *pieces[1 << 20];
    static unsigned made;
    if (taken == made) pieces[made++] = (Access *)malloc(MOST * sizeof(Access));
    return pieces[taken++];
}
static Word &word_of(size_t at) {
    if (2 * used >= room) {
        Word *const old = words;
        const size_t before = room;
        room = room ? 2 * room : 1 << 16, used = 0, words = (Word *)calloc(room, sizeof(Word));
        for (size_t i = 0; i < before; i++)
            if (old[i].at && old[i].generation == generation) word_of(old[i].at) = old[i];
        free(old);
    }
    size_t i = at * 0x9E3779B97F4A7C15ull >> 20 & room - 1;
    while (words[i].at && words[i].at != at) i = i + 1 & room - 1;
    Word &word = words[i];
    if (!word.at) word.at = at, used++;
    if (word.generation != generation) {
        word.generation = generation;
        for (Byte &byte : word.bytes) byte = {{NONE}, {NONE}, nullptr};
    }
    return word;
}
static bool before(const Access &one, unsigned thread) {
    return one.thread == NONE || one.clock <= clocks[thread][one.thread];
}
static void found(const Access &one, const char *did, const char *does, const void *from) {
    if (host::fault) return;
    host::fault = 7;
    Dl_info here{};
    dladdr(from, &here);
    const size_t base = (size_t)here.dli_fbase + 1;  // a call returns behind itself
    snprintf(text, sizeof text, "thread %u %s at 0x%zx what thread %u %s at 0x%zx", one.thread, did,
        (size_t)one.from - base, host::now->number, does, (size_t)from - base);
}
static void access(const void *where, size_t size, bool writes, const void *from) {
    const char *const begin = (const char *)where;
    if (!host::now || (begin >= own_begin && begin < own_end)) return;
    const char *const shuffled = (const char *)host::exchanged;
    if (begin >= shuffled && begin < shuffled + sizeof host::exchanged) return;
    const unsigned me = host::now->number;
    const Access now = {me, clocks[me][me], from};
    for (size_t at = (size_t)begin; at < (size_t)begin + size; at++) {
        Byte &byte = word_of((at >> 3) + 1).bytes[at & 7];
        if (!before(byte.write, me)) found(byte.write, "wrote", writes ? "writes" : "reads", from);
        if (writes) {
            if (!before(byte.read, me)) found(byte.read, "read", "writes", from);
            for (unsigned i = 0; byte.reads && i < threads; i++)
                if (!before(byte.reads[i], me)) found(byte.reads[i], "read", "writes", from);
            byte = {now, {NONE}, nullptr};
        } else if (byte.reads) {
            byte.reads[me] = now;
        } else if (before(byte.read, me)) {
            byte.read = now;
        } else {
            byte.reads = more();
            for (unsigned i = 0; i < threads; i++) byte.reads[i] = {NONE};
            byte.reads[byte.read.thread] = byte.read, byte.reads[me] = now;
            byte.read = {NONE};
        }
    }
}
// All accesses so far come before all that follow, of which no thread knows those of another.
void everyone(unsigned count) {
    threads = count, generation++, taken = 0;
    for (unsigned i = 0; i < count; i++) clocks[i][i]++;
}
// Those that wait for each other, of threads `first` to `stop`.
template <class Waits> void join(unsigned first, unsigned stop, Waits waits) {
    static unsigned latest[MOST];
    memset(latest, 0, sizeof latest);
    for (unsigned i = first; i < stop; i++)
        for (unsigned k = 0; waits(i) && k < threads; k++) latest[k] = latest[k] > clocks[i][k] ? latest[k] : clocks[i][k];
    for (unsigned i = first; i < stop; i++)
        if (waits(i)) memcpy(clocks[i], latest, sizeof latest), clocks[i][i]++;
}
}  // namespace races

extern "C" {
const char *host_race() { return races::text; }
#define FROM __builtin_return_address(0)
#define SIZE(n) \
    void __tsan_read##n(void *at) { races::access(at, n, false, FROM); } \
    void __tsan_write##n(void *at) { races::access(at, n, true, FROM); } \
    void __tsan_unaligned_read##n(void *at) { races::access(at, n, false, FROM); } \
    void __tsan_unaligned_write##n(void *at) { races::access(at, n, true, FROM); }
SIZE(1) SIZE(2) SIZE(4) SIZE(8) SIZE(16)
void __tsan_read_range(void *at, size_t size) { races::access(at, size, false, FROM); }
void __tsan_write_range(void *at, size_t size) { races::access(at, size, true, FROM); }
void *__tsan_memcpy(void *to, const void *of, size_t size) {
    races::access(of, size, false, FROM), races::access(to, size, true, FROM);
    return memcpy(to, of, size);
}
void *__tsan_memset(void *to, int value, size_t size) {
    races::access(to, size, true, FROM);
    return memset(to, value, size);
}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_init() {}
}
