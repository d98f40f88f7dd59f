/* Loops whose turns do not depend on each other, divided among threads. Which thread does which turns changes no bit of
   a result. A thread that finds nothing to do looks for a few dozen microseconds, then sleeps: another program that
   needs the core soon has it. Nobody waits for a thread that has not begun, so a loop ends where there is one core. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE __asm__ volatile("yield")
#else
#define PAUSE ((void)0)
#endif
#define LOOKS 2000
#define PATIENCE 20000
#define STACK (4 << 20) /* kernels keep rows and scratch there; some systems give a thread far less */

typedef void (*share_part)(char *arena, void *const *tables, int64_t begin, int64_t end);

/* Threads that work together, the caller's own among them: whoever loads this code may set it before the first call. */
int share_threads = 1;

/* The parts of a loop that nobody has begun are `open`: 32 bits that number the loop, 16 for the first of them, 16 for
   the one behind the last. What describes the loop is read after a part has been taken, and written when all are
   `done`. */
static struct {
    _Atomic uint64_t open;
    _Atomic int64_t done;
    _Atomic int asleep;
    atomic_flag busy;
    share_part part;
    char *arena;
    void *const *tables;
    int64_t turns, grain;
    pthread_mutex_t lock;
    pthread_cond_t more;
    pid_t process;
} shared = {.busy = ATOMIC_FLAG_INIT};

/* Do one part, the first or the last of the open ones: so each thread has much the same ones every time, whose memory
   its core has already. */
static bool8 share_take(bool8 last) {
    uint64_t open = atomic_load(&shared.open);
    for (;;) {
        const int64_t first = open >> 16 & 0xffff, stop = open & 0xffff;
        if (first == stop) return 0;
        const uint64_t left = last ? open - 1 : open + (1 << 16);
        if (!atomic_compare_exchange_weak(&shared.open, &open, left)) continue;
        const int64_t begin = (last ? stop - 1 : first) * shared.grain, end = begin + shared.grain;
        shared.part(shared.arena, shared.tables, begin, end < shared.turns ? end : shared.turns);
        atomic_fetch_add(&shared.done, 1);
        return 1;
    }
}
static bool8 share_idle(void) {
    const uint64_t open = atomic_load(&shared.open);
    return (open >> 16 & 0xffff) == (open & 0xffff);
}
static void *share_work(void *unused) {
    for (int looks = 0;; looks++) {
        if (share_take(1)) looks = 0;
        else if (looks < LOOKS) PAUSE;
        else {
            pthread_mutex_lock(&shared.lock);
            atomic_fetch_add(&shared.asleep, 1);
            while (share_idle()) pthread_cond_wait(&shared.more, &shared.lock);
            atomic_fetch_sub(&shared.asleep, 1);
            pthread_mutex_unlock(&shared.lock);
            looks = 0;
        }
    }
    return unused;
}
/* The threads, made once in a process: one that was forked has none of its parent's. Signals are for the others. */
static void share_begin(void) {
    pthread_mutex_init(&shared.lock, 0);
    pthread_cond_init(&shared.more, 0);
    atomic_store(&shared.asleep, 0);
    atomic_store(&shared.open, 0);
    shared.process = getpid();
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t about;
    pthread_attr_init(&about);
    pthread_attr_setstacksize(&about, STACK);
    pthread_attr_setdetachstate(&about, PTHREAD_CREATE_DETACHED);
    for (int k = 1; k < share_threads; k++) {
        pthread_t thread;
        if (pthread_create(&thread, &about, share_work, 0)) break;
    }
    pthread_attr_destroy(&about);
    pthread_sigmask(SIG_SETMASK, &before, 0);
}
/* All turns of a loop, `grain` in a part. A second caller at the same time does its own alone. */
static void share(share_part part, char *arena, void *const *tables, int64_t turns, int64_t grain) {
    const int64_t parts = (turns + grain - 1) / grain;
    if (share_threads < 2 || parts < 2 || parts > 0xffff || atomic_flag_test_and_set(&shared.busy)) {
        part(arena, tables, 0, turns);
        return;
    }
    if (shared.process != getpid()) share_begin();
    shared.part = part, shared.arena = arena, shared.tables = tables, shared.turns = turns, shared.grain = grain;
    atomic_store(&shared.done, 0);
    atomic_store(&shared.open, ((atomic_load(&shared.open) >> 32) + 1) << 32 | (uint64_t)parts);
    if (atomic_load(&shared.asleep)) {
        pthread_mutex_lock(&shared.lock);
        pthread_cond_broadcast(&shared.more);
        pthread_mutex_unlock(&shared.lock);
    }
    while (share_take(0)) continue;
    for (int64_t looks = 0; atomic_load(&shared.done) < parts; looks++) {
        if (looks < PATIENCE) PAUSE;
        else sched_yield();
    }
    atomic_flag_clear(&shared.busy);
}
