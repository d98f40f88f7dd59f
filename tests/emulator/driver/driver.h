/* An emulated driver of NVIDIA GPUs: what its files share. Device memory is the host's, streams run their work at once, in
   the thread that asks for it; one lock covers everything. The types are those of NVIDIA's cuda.h. */
#ifndef EMULATED_DRIVER_H
#define EMULATED_DRIVER_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop

/* A number from the environment, or what it is by itself. */
long setting(const char *name, long otherwise);

#define GUARD __attribute__((cleanup(leave))) int guard_ = enter()
#define MAX_DEVICES 8

/* What a translated module exports; see tests/emulator/ptx.py. */
struct emulated_kernel {
    const char *name;
    unsigned parameters;
    const unsigned *sizes;
    unsigned shared_bytes;
    unsigned max_threads;
    int (*run)(void **parameters, const unsigned grid[3], const unsigned block[3], unsigned dynamic_shared_bytes,
               int (*owns)(const void *address, unsigned long bytes), char report[512]);
};

struct CUctx_st {
    int device;
    unsigned flags;
    int uses;        /* how often a primary context is retained */
    CUresult broken; /* a kernel has failed: all that follows fails with this */
};

struct capture {
    CUgraph graph;
    CUstream origin;
    CUstreamCaptureMode mode;
    pthread_t thread;
    int invalid;
    unsigned long long id;
    struct capture *next;
};

struct waiting;

struct CUstream_st {
    CUcontext context;
    unsigned flags;
    int priority;
    unsigned long long id;
    struct capture *capture;
    int loose;               /* captured work that the stream where the capture began does not wait for */
    struct waiting *waiting; /* work that is not run yet, oldest first */
    struct CUstream_st *next;
};

struct CUevent_st {
    CUcontext context;
    unsigned flags;
    int recorded;
    CUstream stream; /* where it was recorded last */
    struct capture *capture;
    uint64_t time; /* ns */
    struct CUevent_st *next;
};

struct CUmod_st {
    CUcontext context;
    void *code; /* of dlopen; NULL: machine code, which cannot run here */
    const struct emulated_kernel *kernels;
    unsigned count;
    int unloaded;
    struct CUfunc_st *functions;
    struct CUmod_st *next;
};

struct CUfunc_st {
    struct CUmod_st *module;
    const struct emulated_kernel *kernel; /* NULL: machine code */
    char *name;
    int dynamic_shared; /* what cuFuncSetAttribute allows */
    struct CUfunc_st *next;
};

/* A piece of work of a stream: `run` on `data`, which `copy_work` copies, gives a CUresult. */
struct work {
    CUresult (*run)(void *data);
    const void *data;
    size_t bytes;
    CUgraphNodeType type;
};

/* entry.c */
int enter(void);
void leave(int *guard);
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
int missing(unsigned number);
int forked(void); /* from a process that uses a GPU, which ends that here */

/* context.c */
int device_count(void);
CUcontext current(void);
CUcontext primary(int device);
CUresult usable(void); /* a context of this process is current and no kernel has failed in it */

/* memory.c */
int owns(const void *address, unsigned long bytes); /* within a live allocation, of whatever GPU or pinned */
int owns_on(const void *address, unsigned long bytes, int device);
int device_of(const void *address); /* -1: not the memory of a GPU */
size_t allocated(int device);
void note_allocation(void *start, size_t bytes, int device);

/* stream.c */
CUstream stream_of(CUstream handle); /* NULL: there is no such stream */
CUresult stream_context(CUstream stream, CUcontext *context);
CUresult put(CUstream stream, const struct work *work); /* runs it, or puts it into the graph that is captured */
CUresult finish(CUstream stream);
void finish_all(void);
CUresult may_wait(CUcontext context); /* waits for all work of a context, which no capture allows */
CUresult implicit(CUcontext context); /* whether the legacy stream may be used */
void leave_capture(struct capture *capture);
int loose_streams(struct capture *capture);

/* capture.c */
CUresult unsafe(void); /* whether calls that no capture allows may be made now */
struct capture *capture_of(CUstream stream);
void invalidate(struct capture *capture);
CUresult put_captured(CUstream stream, const struct work *work);
CUresult join(CUstream stream, CUevent event);

/* graph.c */
CUgraph new_graph(void);
void add_work(CUgraph graph, const struct work *work);
void drop_graph(CUgraph graph);

/* module.c */
CUresult load_image(CUmodule *module, const void *image);
#endif
