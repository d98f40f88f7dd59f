/* Races between the threads of a block in its shared memory, where EMULATED_GPU_RACES is set: as `races.h` of tests/cuda
   finds them in the text of our kernels, but in what NVRTC made of it, and in CuPy's kernels. Each thread has a vector clock,
   which barriers and __syncwarp bring together; shuffles and votes order nothing. Two accesses to one byte of which one
   writes, and that no wait orders, are a fault. An atomic counts as a write. */
#pragma once
#include "ptx_memory.h"

struct access { unsigned clock; int line; };
static struct {
    unsigned clocks[THREADS][THREADS];  /* what each thread knows of each; its own is of now */
    struct access *reads;               /* the last of each thread, of each byte */
    struct { unsigned thread; struct access access; } *writes;
    unsigned threads, bytes;
} seen;

static __attribute__((cold, noreturn)) void race(const char *did, unsigned other, int before, const char *does, uint64_t a, int line) {
    fault(FAILED, line, "a race: thread %u %s, in line %d, byte %llu of shared memory that this one %s", other, did, before,
          (unsigned long long)a, does);
}
static void watch(uint64_t a, unsigned bytes, int line, int writes) {
    const unsigned me = now->number, *known = seen.clocks[me];
    const struct access here = {known[me], line};
    for (uint64_t at = a; at < a + bytes; at++) {
        const unsigned from = seen.writes[at].thread;
        if (seen.writes[at].access.clock > known[from])
            race("wrote", from, seen.writes[at].access.line, writes ? "writes" : "reads", at, line);
        struct access *reads = seen.reads + at * seen.threads;
        if (!writes) {
            reads[me] = here;
            continue;
        }
        for (unsigned other = 0; other < seen.threads; other++)
            if (reads[other].clock > known[other]) race("read", other, reads[other].line, "writes", at, line);
        seen.writes[at].thread = me, seen.writes[at].access = here;
    }
}
/* What the threads of a kind have done so far comes before all that they do from now on. */
static void join(unsigned first, unsigned stop, int (*waits)(const struct thread *)) {
    static unsigned latest[THREADS];
    memset(latest, 0, sizeof latest);
    for (unsigned i = first; i < stop; i++)
        for (unsigned k = 0; waits(&threads[i]) && k < seen.threads; k++)
            if (latest[k] < seen.clocks[i][k]) latest[k] = seen.clocks[i][k];
    for (unsigned i = first; i < stop; i++)
        if (waits(&threads[i])) memcpy(seen.clocks[i], latest, sizeof latest), seen.clocks[i][i]++;
}
/* A block begins, whose threads know nothing of each other but what blocks did before. */
static void watch_block(void) {
    if (launch.threads != seen.threads || launch.shared > seen.bytes) {
        free(seen.reads), free(seen.writes);
        seen.threads = launch.threads, seen.bytes = launch.shared;
        seen.reads = calloc((size_t)seen.bytes * seen.threads, sizeof *seen.reads);
        seen.writes = calloc(seen.bytes, sizeof *seen.writes);
    }
    for (unsigned i = 0; i < seen.threads; i++)
        for (unsigned k = 0; k < seen.threads; k++) seen.clocks[i][k] = seen.clocks[k][k];
    for (unsigned i = 0; i < seen.threads; i++) seen.clocks[i][i]++;
}
